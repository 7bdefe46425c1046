// SPDX-License-Identifier: Apache-2.0
// What a client is told when a request cannot be answered.

import DataTree
import Hummingbird
import JSON

/// A status with one sentence for people, answered as {"detail": sentence}.
struct APIError: HTTPResponseError, Equatable, CustomStringConvertible {
    let status: HTTPResponse.Status
    let description: String
    var headers = HTTPFields()

    init(_ status: HTTPResponse.Status, _ description: String, headers: HTTPFields = [:]) {
        self.status = status
        self.description = description
        self.headers = headers
    }

    /// The request is understood, but a field of it cannot be.
    static func unprocessable(_ description: String) -> APIError {
        APIError(.unprocessableContent, description)
    }

    /// The server cannot do this as it was started.
    static func notImplemented(_ description: String) -> APIError {
        APIError(.notImplemented, description)
    }

    /// The server can do this later.
    static func busy(_ description: String, retryAfter seconds: Int) -> APIError {
        APIError(
            .serviceUnavailable, description, headers: [.retryAfter: String(seconds)])
    }

    /// A file or the machine stands in the way.
    static func broken(_ description: String) -> APIError {
        APIError(.internalServerError, description)
    }

    /// {"detail": sentence}
    var json: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("detail", description)
        }
        return json.bytes
    }

    var response: Response {
        var response = Response(json: json)
        response.status = status
        response.headers.append(contentsOf: headers)
        return response
    }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        response
    }
}

extension Response {
    /// A JSON answer that no cache keeps.
    init(json bytes: [UInt8]) {
        self.init(
            status: .ok,
            headers: [.contentType: "application/json; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
