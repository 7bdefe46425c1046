// SPDX-License-Identifier: Apache-2.0
// Requests that go to a server's router without sockets.

import HTTPTypes
import Hummingbird
import Logging
import NIOEmbedded
import Synchronization

/// Sends one request to a server that is not listening.
struct TestClient: Sendable {
    private let respond: @Sendable (Request) async throws -> Response

    /// A client of the application's router.
    init(_ application: some ApplicationProtocol) async throws {
        let responder = try await application.responder
        respond = { request in
            try await responder.respond(to: request, context: Self.context(of: responder))
        }
    }

    private static func context<R: HTTPResponder>(of responder: R) -> R.Context
    where R.Context: InitializableFromSource<ApplicationRequestContextSource> {
        R.Context(
            source: .init(channel: NIOAsyncTestingChannel(), logger: Logger(label: "test")))
    }

    private func send(
        _ method: HTTPRequest.Method, _ path: String, _ headers: HTTPFields, _ body: [UInt8]
    ) async throws -> TestResponse {
        // As a socket would: clients in a loop leave others their turn.
        await Task.yield()
        var headers = headers
        if method == .post { headers[.contentLength] = String(body.count) }
        let head = HTTPRequest(
            method: method, scheme: "http", authority: "localhost", path: path,
            headerFields: headers)
        let response = try await respond(
            Request(head: head, body: RequestBody(buffer: ByteBuffer(bytes: body))))
        let writer = BodyCollector()
        try await response.body.write(writer)
        return TestResponse(
            status: response.status, headers: response.headers,
            body: writer.bytes.withLock { $0 })
    }

    func get(
        _ path: String, _ headers: HTTPFields = [:], method: HTTPRequest.Method = .get
    ) async throws -> TestResponse {
        try await send(method, path, headers, [])
    }

    func post(_ name: String, _ body: [UInt8], type: String = "application/json") async throws
        -> TestResponse
    {
        try await send(
            .post, "/api/head_vis/public/\(name)/v0", [.contentType: type], body)
    }

    func post(_ name: String, _ body: String) async throws -> TestResponse {
        try await post(name, Array(body.utf8))
    }

    /// The answer to an operation, which must succeed.
    func answer(_ name: String, _ body: String) async throws -> [String: Any] {
        let response = try await post(name, body)
        guard response.status == .ok else {
            throw TestFailure("\(name): \(response.status) \(String(buffer: response.body))")
        }
        return try object(response.bytes)
    }
}

/// What a router answers.
struct TestResponse: Sendable {
    let status: HTTPResponse.Status
    let headers: HTTPFields
    let body: ByteBuffer
    var bytes: [UInt8] { Array(body.readableBytesView) }
    var detail: String? { (try? object(bytes))?["detail"] as? String }
}

/// Takes in the parts of an answer.
private final class BodyCollector: ResponseBodyWriter, Sendable {
    let bytes = Mutex(ByteBuffer())

    func write(_ buffer: ByteBuffer) { bytes.withLock { $0.writeImmutableBuffer(buffer) } }

    func finish(_ trailingHeaders: HTTPFields?) {}
}
