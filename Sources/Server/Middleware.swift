// SPDX-License-Identifier: Apache-2.0
// What every request goes through: its line in the log, and errors as JSON.

import Foundation
import HTTPTypes
import Hummingbird
import NIOHTTP1

/// Writes a line for each request: method, path, status, size and time.
struct RequestLogMiddleware<Context: RequestContext>: RouterMiddleware {
    let write: @Sendable (String) -> Void

    func handle(
        _ request: Request, context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        let response = try await next(request, context)
        let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
        let size = response.body.contentLength.map { "\($0) B" } ?? "- B"
        let time = (milliseconds * 100).rounded() / 100
        write(
            "\(request.method.rawValue) \(Self.printable(request.uri.string)) \(response.status.code) \(size) \(time) ms"
        )
        return response
    }

    /// At most 200 bytes, nothing that a terminal could act on.
    static func printable(_ text: String) -> String {
        let bytes = text.utf8
        if bytes.count <= 200, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) { return text }
        return bytes.prefix(200).reduce(into: "") { line, byte in
            if byte > 0x20 && byte < 0x7F {
                line.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                line += String(format: "%%%02X", byte)
            }
        }
    }
}

/// Turns every error into {"detail": sentence}, and adds what every answer carries.
struct ErrorMiddleware<Context: RequestContext>: RouterMiddleware {
    /// Who may show the page in a frame.
    let frameAncestors: String

    func handle(
        _ request: Request, context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do { response = try await next(request, context) } catch {
            response = Self.response(to: error)
        }
        if request.method == .head { response = response.createHeadResponse() }
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.contentSecurityPolicy] = "frame-ancestors \(frameAncestors)"
        return response
    }

    static func response(to error: any Error) -> Response {
        switch error {
        case let error as APIError: error.response
        case let error as HTTPParserError:
            APIError(
                .badRequest, "The request does not end as HTTP wants it (\(error)).",
                headers: [.connection: "close"]
            ).response
        case let error as HTTPError where error.status == .notFound:
            APIError(.notFound, "There is nothing at this address.").response
        case let error as any HTTPResponseError:
            APIError(error.status, error.status.reasonPhrase).response
        default: APIError.broken("\(error)").response
        }
    }
}
