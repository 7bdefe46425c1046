// SPDX-License-Identifier: Apache-2.0
// Large answers go out in pieces, as fast as the client takes them, and count against a budget until then.

import Hummingbird
import NIOCore

/// A body is handed to the connection in pieces of this many bytes, the next when the client has taken most of those
/// before: no connection holds more than two.
let pieceSize = 64 << 10

/// A request and the connection that it came by.
struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// Bounds the memory of the answers that clients have not taken yet.
struct AnswerBudgetMiddleware: RouterMiddleware {
    let budget: MemoryBudget

    func handle(
        _ request: Request, context: ConnectionContext,
        next: (Request, ConnectionContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        guard let size = response.body.contentLength, size > pieceSize else { return response }
        guard let reservation = budget.reserve(size) else {
            throw APIError.busy(
                "Answers of \(budget.limit >> 20) MB wait for slow clients; try again in a moment.",
                retryAfter: 2)
        }
        let body = response.body
        response.body = ResponseBody(contentLength: size) { writer in
            defer { withExtendedLifetime(reservation) {} }
            try await body.write(PieceWriter(next: writer, channel: context.channel))
        }
        return response
    }
}

/// Cuts what it is given into pieces, and waits after each until the connection has it: a connection that is busy does
/// not know yet that it is full, and would take any number of them.
struct PieceWriter: ResponseBodyWriter {
    var next: any ResponseBodyWriter
    let channel: any Channel

    mutating func write(_ buffer: ByteBuffer) async throws {
        var rest = buffer
        while let piece = rest.readSlice(length: min(pieceSize, rest.readableBytes)),
            piece.readableBytes > 0
        {
            try await next.write(piece)
            if channel.isActive { try await channel.eventLoop.submit {}.get() }
        }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        try await next.finish(trailingHeaders)
    }
}
