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
                + allowedOrigins.compactMap { Self.authority(of: $0)?.name })
        acceptsAddresses = !isLoopback
    }

    /// Whether this is an origin: a scheme, a name, perhaps a port, and nothing else.
    public static func isOrigin(_ text: String) -> Bool { authority(of: text) != nil }

    /// "example.org:8000" of "https://example.org:8000"; nil unless it is an origin.
    static func authority(of origin: String) -> Authority? {
        for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
            return Authority(String(origin.dropFirst(scheme.count)))
        }
        return nil
    }

    /// Whether the server may be addressed like this.
    func accepts(host: Authority) -> Bool {
        let name = host.name
        guard !hosts.contains(name) else { return true }
        guard acceptsAddresses else { return false }
        return name.hasPrefix("[")
            || name.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
                .filter { $0 != nil }.count == 4
    }

    /// Whether a page of this origin may use the server addressed as `host`.
    func accepts(origin: String, host: Authority) -> Bool {
        allowedOrigins.contains(origin) || Self.authority(of: origin) == host
    }

    /// How the page should address the server that it reached as `host`: of checked parts only.
    func url(host: Authority) -> String {
        let isSecure = allowedOrigins.contains("https://\(host)")
        return "\(isSecure ? "https" : "http")://\(host)"
    }
}

/// A host and perhaps a port, as headers name them: "localhost:8000", "example.org", "[::1]:8000".
package struct Authority: Equatable, Sendable, CustomStringConvertible {
    /// In lower case; an address of version 6 in brackets.
    package let name: String
    package let port: UInt16?

    /// Nil for anything else, such as a text with quotation marks or spaces.
    package init?(_ text: String) {
        let text = text.lowercased()
        let isBracketed = text.hasPrefix("[")
        let end =
            isBracketed
            ? text.firstIndex(of: "]").map(text.index(after:)) : text.firstIndex(of: ":")
        guard let split = end ?? (isBracketed ? nil : text.endIndex) else { return nil }
        let (name, rest) = (text[..<split], text[split...])
        let inner = isBracketed ? name.dropFirst().dropLast() : name
        let allowed = isBracketed ? "0123456789abcdef:." : "abcdefghijklmnopqrstuvwxyz0123456789-._"
        guard (1...253).contains(inner.utf8.count), inner.allSatisfy(allowed.contains) else {
            return nil
        }
        self.name = String(name)
        guard !rest.isEmpty else {
            port = nil
            return
        }
        let digits = rest.dropFirst()
        guard rest.first == ":", digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(digits)
        else { return nil }
        self.port = port
    }

    package var description: String { name + (port.map { ":\($0)" } ?? "") }
}

/// Refuses requests that the policy does not allow, and answers what browsers ask before they send one.
struct OriginMiddleware<Context: RequestContext>: RouterMiddleware {
    let policy: OriginPolicy

    func handle(
        _ request: Request, context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        // The first one is the request's authority; a second one is still among the headers.
        guard let host = request.head.authority.flatMap(Authority.init),
            !request.headers.contains(where: { $0.name.canonicalName == "host" })
        else {
            throw APIError(
                .badRequest, "The request needs one header Host, such as localhost:8080.")
        }
        guard policy.accepts(host: host) else {
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
