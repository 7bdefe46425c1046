// SPDX-License-Identifier: Apache-2.0
// What a connection may do and when it ends: clients that are slow, that break off, or that send what is no HTTP.

import DataTree
import HTTPTypes
import NIOCore
import NIOHTTP1

/// How long clients are waited for.
struct Patience: Sendable {
    /// From the first byte of a request to the end of its headers.
    var headers = TimeAmount.seconds(5)
    /// From there to the end of the request.
    var request = TimeAmount.seconds(30)
    /// Until more of an answer is taken in.
    var answer = TimeAmount.seconds(30)
    /// For the client to see the last answer of a connection before the connection is gone.
    var goodbye = TimeAmount.seconds(1)
}

/// Ends connections when HTTP says so or the client is too slow, and tells `Connections` what they are doing.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// A request whose answer has not ended.
    private struct Exchange {
        let keepsAlive: Bool
        /// HTTP/1.0, where a connection that is kept must be announced.
        let isOld: Bool
        /// Whether all of the request is here.
        var isWhole = false
    }

    private let connections: Connections
    private let patience: Patience
    private var context: ChannelHandlerContext?
    private var place: Connections.Place?
    private var exchanges: [Exchange] = []
    /// How many requests have begun to arrive.
    private(set) var heads = 0
    private var isLastAnswer = false
    /// Nothing that comes in matters any more, as the last answer is written.
    private var isLeaving = false
    /// The last answer is sent.
    private var isAnswered = false
    private var isInputClosed = false
    private var headers: Scheduled<Void>?
    private var request: Scheduled<Void>?
    private var answer: Scheduled<Void>?

    init(_ connections: Connections, patience: Patience) {
        self.connections = connections
        self.patience = patience
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { enter(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        enter(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        leave()
        self.context = nil
    }

    private func enter(_ context: ChannelHandlerContext) {
        guard place == nil else { return }
        let channel = context.channel
        place = connections.enter(from: channel.remoteAddress?.ipAddress ?? "") {
            channel.close(promise: nil)
        }
        guard place == nil else { return }
        place = connections.enterToBeRefused()
        guard place != nil else { return context.close(promise: nil) }
        refuse(
            .serviceUnavailable,
            "The server answers as many connections as it may; try again in a moment.", context)
    }

    private func leave() {
        for timer in [headers, request, answer] { timer?.cancel() }
        if let place { connections.leave(place) }
    }

    /// Notes that bytes have come in, after they were parsed.
    ///
    /// - Parameter headsBefore: how many requests had begun before.
    func didReceive(headsBefore: Int) {
        guard let context, !isLeaving else { return }
        guard exchanges.last?.isWhole ?? true else {
            request = request ?? closing(context, in: patience.request)
            return
        }
        if exchanges.isEmpty { place?.enter(.waiting) }
        guard heads == headsBefore, headers == nil else { return }
        headers = context.eventLoop.assumeIsolated().scheduleTask(in: patience.headers) { [self] in
            guard let context = self.context, !isLeaving else { return }
            // Others are being answered; there is no place for this between.
            guard exchanges.isEmpty else { return context.close(promise: nil) }
            refuse(.requestTimeout, "The request's headers took too long to arrive.", context)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isLeaving else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            heads += 1
            headers?.cancel()
            headers = nil
            exchanges.append(
                Exchange(keepsAlive: head.isKeepAlive, isOld: head.version == .http1_0))
            guard HTTPRequest.Method(head.method.rawValue) != nil else {
                return exchanges.count > 1
                    ? context.close(promise: nil)
                    : refuse(.badRequest, "The request's method is not one.", context)
            }
            if exchanges.count == 1, Self.waitsToContinue(head) {
                let go = HTTPResponseHead(version: .http1_1, status: .continue)
                context.writeAndFlush(wrapOutboundOut(.head(go)), promise: nil)
            }
        case .body: if exchanges.count == 1 { place?.enter(.waiting) }
        case .end:
            request?.cancel()
            request = nil
            exchanges[exchanges.count - 1].isWhole = true
            place?.enter(.working)
        }
        context.fireChannelRead(data)
    }

    /// Whether the client sends the body only when it is told to (RFC 9110, 10.1.1).
    private static func waitsToContinue(_ head: HTTPRequestHead) -> Bool {
        head.version == .http1_1
            && head.headers[canonicalForm: "expect"].contains { $0.lowercased() == "100-continue" }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Nobody else asks for it any more.
        if isLeaving { context.read() }
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isLeaving else { return }
        // Within a request, and when others are before it, those who answer it are told.
        guard let error = error as? HTTPParserError, exchanges.isEmpty else {
            return context.fireErrorCaught(error)
        }
        switch error {
        case .invalidEOFState: context.fireErrorCaught(error)
        case .headerOverflow:
            refuse(.requestHeaderFieldsTooLarge, "The request's headers are too large.", context)
        default: refuse(.badRequest, "The request is not HTTP (\(error)).", context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            isInputClosed = true
            if isAnswered { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        answer?.cancel()
        answer = context.channel.isWritable ? nil : closing(context, in: patience.answer)
        place?.enter(
            !context.channel.isWritable ? .stalled : exchanges.isEmpty ? .waiting : .working)
        context.fireChannelWritabilityChanged()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            // What is left of a request that is answered before it is whole is not read.
            isLastAnswer =
                !(exchanges.first.map { $0.keepsAlive && $0.isWhole } ?? false)
                || head.headers[canonicalForm: "connection"].contains("close")
            if isLastAnswer {
                head.headers.replaceOrAdd(name: "Connection", value: "close")
            } else if exchanges.first?.isOld ?? false {
                head.headers.replaceOrAdd(name: "Connection", value: "keep-alive")
            }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            if !exchanges.isEmpty { exchanges.removeFirst() }
            guard isLastAnswer else {
                if exchanges.isEmpty { place?.enter(.waiting) }
                return context.write(data, promise: promise)
            }
            isLeaving = true
            // The end itself writes nothing and is done at once; an empty part is done when all before it is sent.
            let sent = context.eventLoop.makePromise(of: Void.self)
            sent.futureResult.assumeIsolated().whenComplete { [self] _ in farewell() }
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer()))), promise: sent)
            context.write(data, promise: promise)
        }
    }

    /// Answers what cannot be passed on, and ends the connection.
    private func refuse(
        _ status: HTTPResponseStatus, _ detail: String, _ context: ChannelHandlerContext
    ) {
        let error = APIError(.init(code: Int(status.code)), detail)
        var head = HTTPResponseHead(version: .http1_1, status: status)
        head.headers.add(name: "Content-Type", value: "application/json; charset=utf-8")
        head.headers.add(name: "Content-Length", value: String(error.json.count))
        if status == .serviceUnavailable { head.headers.add(name: "Retry-After", value: "1") }
        exchanges = []
        write(context: context, data: wrapOutboundOut(.head(head)), promise: nil)
        let body = ByteBuffer(bytes: error.json)
        write(context: context, data: wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        write(context: context, data: wrapOutboundOut(.end(nil)), promise: nil)
        context.flush()
    }

    /// After the last answer: a connection that is closed while its client still sends would be reset, and the answer
    /// lost, so what comes is thrown away for a moment.
    private func farewell() {
        guard let context else { return }
        isAnswered = true
        place?.enter(.waiting)
        guard !isInputClosed, context.channel.isActive else { return context.close(promise: nil) }
        context.close(mode: .output, promise: nil)
        request?.cancel()
        request = closing(context, in: patience.goodbye)
        context.read()
    }

    private func closing(_ context: ChannelHandlerContext, in time: TimeAmount) -> Scheduled<Void> {
        let channel = context.channel
        return context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }
}

/// Stands before the parser and tells the guard of bytes that make no request yet.
final class ByteWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let connection: ConnectionGuard

    init(_ connection: ConnectionGuard) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let heads = connection.heads
        context.fireChannelRead(data)
        connection.didReceive(headsBefore: heads)
    }
}
