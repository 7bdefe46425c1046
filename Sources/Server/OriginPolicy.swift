// SPDX-License-Identifier: Apache-2.0
// Which pages may talk to this server: Host and Origin are checked, so that a page on the internet
// cannot write into a data tree through its reader's browser.

import HTTPTypes
import Hummingbird

/// Decides by the headers Host and Origin.
public struct OriginPolicy: Sendable {
    /// Origins other than the server's own, such as "https://example.org".
    let allowedOrigins: Set<String>
    /// Host names under which the server may be addressed, without ports.
    let hosts: Set<String>
    /// Whether addresses written as numbers are accepted too. A page cannot make a name of its own
    /// stand for the server then, as it has no name.
    let acceptsAddresses: Bool

    /// - Parameters:
    ///   - host: where the server listens.
    ///   - machine: the machine's own name.
    init(host: String, machine: String, allowedOrigins: [String]) {
        let isLoopback = ["localhost", "127.0.0.1", "::1"].contains(host)
        self.allowedOrigins = Set(allowedOrigins)
        hosts = Set(
            ["localhost", "127.0.0.1", "[::1]", host.lowercased(), "[\(host.lowercased())]"]
                + (isLoopback ? [] : [machine.lowercased()])
                + allowedOrigins.compactMap { Self.authority(of: $0).map(Self.name) })
        acceptsAddresses = !isLoopback
    }

    /// Whether this is an origin: a scheme, a name, perhaps a port, and nothing else.
    public static func isOrigin(_ text: String) -> Bool { authority(of: text) != nil }

    /// "example.org:8000" of "https://example.org:8000"; nil unless it is an origin.
    static func authority(of origin: String) -> String? {
        for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
            let authority = origin.dropFirst(scheme.count)
            let isPlain = authority.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            guard !authority.isEmpty, isPlain, !authority.contains(where: { "/?#@".contains($0) })
            else { return nil }
            return authority.lowercased()
        }
        return nil
    }

    /// "example.org" of "Example.org:8000", "[::1]" of "[::1]:8000".
    static func name(_ authority: String) -> String {
        let authority = authority.lowercased()
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            return String(authority[...end])
        }
        return String(authority.prefix { $0 != ":" })
    }

    /// Whether the server may be addressed like this.
    func accepts(host authority: String) -> Bool {
        let name = Self.name(authority)
        guard !hosts.contains(name) else { return true }
        guard acceptsAddresses else { return false }
        return name.hasPrefix("[")
            || name.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
                .filter { $0 != nil }.count == 4
    }

    /// Whether a page of this origin may use the server addressed as `host`.
    func accepts(origin: String, host: String) -> Bool {
        allowedOrigins.contains(origin) || Self.authority(of: origin) == host.lowercased()
    }

    /// How the page should address the server that it reached as `host`.
    func url(host: String) -> String {
        allowedOrigins.contains("https://\(host)") ? "https://\(host)" : "http://\(host)"
    }
}

/// Refuses requests that the policy does not allow, and answers what browsers ask before they send one.
struct OriginMiddleware<Context: RequestContext>: RouterMiddleware {
    let policy: OriginPolicy

    func handle(
        _ request: Request, context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard let host = request.head.authority, policy.accepts(host: host) else {
            throw APIError(
                .misdirectedRequest,
                "This server does not go by the name in the request's Host header; address it as localhost, or name it with --host or --allow-origin."
            )
        }
        guard let origin = request.headers[.origin] else {
            return try await next(request, context)
        }
        guard policy.accepts(origin: origin, host: host) else {
            throw APIError(
                .forbidden,
                "Pages of another origin may not use this server; start serve with --allow-origin to let one."
            )
        }
        var response =
            if request.method == .options { preflight } else {
                await answer(request, context, next)
            }
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.accessControlAllowCredentials] = "true"
        response.headers.append(HTTPField(name: .vary, value: "Origin"))
        return response
    }

    /// Errors too must be readable for the page.
    private func answer(
        _ request: Request, _ context: Context,
        _ next: (Request, Context) async throws -> Response
    ) async -> Response {
        do { return try await next(request, context) } catch {
            return ErrorMiddleware<Context>.response(to: error)
        }
    }

    private var preflight: Response {
        Response(
            status: .noContent,
            headers: [
                .accessControlAllowMethods: "GET, HEAD, POST",
                .accessControlAllowHeaders: "Content-Type", .accessControlMaxAge: "600",
            ])
    }
}
