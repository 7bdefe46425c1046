// SPDX-License-Identifier: Apache-2.0
// The page and the data tree as files.

import Foundation
import Hummingbird
import JSON
import NIOCore
import NIOPosix

/// Answers GET and HEAD of everything that is not an operation.
struct StaticFiles: RouterMiddleware {
    /// The page's folder.
    let web: String
    /// The data tree's folder.
    let data: String
    let policy: OriginPolicy
    private let cache = BodyCache(capacity: 128 << 20)

    /// Larger files are not compressed.
    private static var largestCompressed: Int { 48 << 20 }
    /// Smaller bodies do not get smaller.
    private static var smallestCompressed: Int { 256 }

    init(web: String, data: String, policy: OriginPolicy) {
        self.web = web
        self.data = data
        self.policy = policy
    }

    func handle(
        _ request: Request, context: ConnectionContext,
        next: (Request, ConnectionContext) async throws -> Response
    ) async throws -> Response {
        let path = (request.head.path ?? "").prefix { $0 != "?" && $0 != "#" }
        guard !path.hasPrefix("/api/") else { return try await next(request, context) }
        guard request.method == .get || request.method == .head else {
            throw APIError(
                .methodNotAllowed, "Files can only be read.", headers: [.allow: "GET, HEAD"])
        }
        guard let path = FilePath(request: path) else { throw Self.notFound }
        if path.text == "data/server_config.json" { return try await serverConfig(request) }
        if let path = path.below("data") {
            return try await file(path, under: data, request, context.channel)
        }
        return try await file(
            path.text.isEmpty ? .index : path, under: web, request, context.channel)
    }

    private static var notFound: APIError {
        APIError(.notFound, "There is no such file.")
    }

    private func file(
        _ path: FilePath, under root: String, _ request: Request, _ channel: any Channel
    ) async throws -> Response {
        guard !path.text.isEmpty, let state = FileState(path: "\(root)/\(path.text)") else {
            throw Self.notFound
        }
        let type = mediaType(of: path.text)
        let isCompressed =
            (Self.smallestCompressed...Self.largestCompressed).contains(state.size)
            && isCompressible(type)
            && acceptsGzip(request.headers[.acceptEncoding]) && request.headers[.range] == nil
        // Large files are sent from the disk, so that slow clients hold no memory; what is compressed and does not
        // find room goes out as it is.
        if isCompressed || state.size <= pieceSize {
            let key = BodyCache.Key(root: root, path: path, isCompressed: isCompressed)
            if let body = await body(key, state) {
                return answer(body, type: type, isCompressed: isCompressed, request, channel)
            }
        }
        return try await stream(path, root, type, request, channel)
    }

    private func body(_ key: BodyCache.Key, _ state: FileState) async -> BodyCache.Body? {
        if let body = cache.body(key, state) { return body }
        return await cache.body(key, of: state) { reservation in
            try? await NIOThreadPool.singleton.runIfActive { Self.make(key, reservation) }
        }
    }

    private static func make(_ key: BodyCache.Key, _ reservation: Reservation) -> BodyCache.Body? {
        guard let file = OpenFile(key.path.text, under: key.root),
            file.state.size <= (key.isCompressed ? largestCompressed : pieceSize)
        else { return nil }
        let bytes =
            key.isCompressed
            ? gzipped(file, limit: max(file.state.size, 16 << 10)) : file.read(0..<file.state.size)
        guard let bytes, reservation.resize(to: bytes.capacity) else { return nil }
        return BodyCache.Body(state: file.state, bytes: bytes, reservation: reservation)
    }

    private func headers(_ state: FileState, _ type: String, isCompressed: Bool) -> HTTPFields {
        var headers: HTTPFields = [
            .contentType: type, .cacheControl: "no-cache",
            .eTag: isCompressed ? "\"\(state.tag)-gz\"" : "\"\(state.tag)\"",
        ]
        if isCompressible(type) { headers[.vary] = "Accept-Encoding" }
        if isCompressed {
            headers[.contentEncoding] = "gzip"
        } else {
            headers[.acceptRanges] = "bytes"
        }
        return headers
    }

    private func answer(
        _ body: BodyCache.Body, type: String, isCompressed: Bool, _ request: Request,
        _ channel: any Channel
    ) -> Response {
        let headers = headers(body.state, type, isCompressed: isCompressed)
        let size = body.bytes.readableBytes
        return answer(headers, size: size, request) { range in
            ResponseBody(contentLength: range.count) { writer in
                defer { withExtendedLifetime(body.reservation) {} }
                let bytes = body.bytes.getSlice(at: range.lowerBound, length: range.count)
                var pieces = PieceWriter(next: writer, channel: channel)
                try await pieces.write(bytes ?? ByteBuffer())
                try await pieces.finish(nil)
            }
        }
    }

    /// Answers with what of a body of `size` bytes the request's conditions and ranges ask for.
    private func answer(
        _ headers: HTTPFields, size: Int, _ request: Request,
        body: (Range<Int>) -> ResponseBody
    ) -> Response {
        var headers = headers
        let tag = headers[.eTag] ?? ""
        if tags(request.headers[.ifNoneMatch], match: tag) {
            var response = Response(status: .notModified, headers: headers)
            response.headers[.contentLength] = nil
            return response
        }
        let isSame = request.headers[.ifRange].map { $0 == tag } ?? true
        switch ByteRange(isSame ? request.headers[.range] : nil, size: size) {
        case .whole: return Response(status: .ok, headers: headers, body: body(0..<size))
        case .part(let range):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
            return Response(status: .partialContent, headers: headers, body: body(range))
        case .unsatisfiable:
            return APIError(
                .rangeNotSatisfiable, "The file has \(size) bytes.",
                headers: [.contentRange: "bytes */\(size)"]
            ).response
        }
    }

    private func stream(
        _ path: FilePath, _ root: String, _ type: String, _ request: Request,
        _ channel: any Channel
    ) async throws -> Response {
        let file = try await NIOThreadPool.singleton.runIfActive {
            OpenFile(path.text, under: root)
        }
        guard let file else { throw Self.notFound }
        let headers = headers(file.state, type, isCompressed: false)
        return answer(headers, size: file.state.size, request) { range in
            ResponseBody(contentLength: range.count) { writer in
                var pieces = PieceWriter(next: writer, channel: channel)
                for start in stride(from: range.lowerBound, to: range.upperBound, by: pieceSize) {
                    let piece = start..<min(start + pieceSize, range.upperBound)
                    let bytes = try await NIOThreadPool.singleton.runIfActive { file.read(piece) }
                    guard let bytes else { throw APIError.broken("The file became shorter.") }
                    try await pieces.write(bytes)
                }
                try await pieces.finish(nil)
            }
        }
    }
}

extension StaticFiles {
    /// server_config.json announces this server, unless the file on disk names another.
    private func serverConfig(_ request: Request) async throws -> Response {
        let stored = try await NIOThreadPool.singleton.runIfActive {
            OpenFile("server_config.json", under: data).flatMap { file in
                file.state.size <= largestBody
                    ? file.read(0..<file.state.size).map { Array($0.readableBytesView) } : nil
            }
        }
        guard let host = request.head.authority.flatMap(Authority.init) else { throw Self.notFound }
        var response = Response(
            json: Self.announcing(
                policy.url(host: host), customHeads: Self.customHeads(of: data),
                in: stored ?? Array("{}".utf8)))
        response.headers[.cacheControl] = "no-cache"
        return response
    }

    /// The heads with custom sequences as a JSON list of [layer, head]: nobody has to ask for those of others.
    private static func customHeads(of data: String) -> [UInt8] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: "\(data)/custom_sequences")
        let heads = (names ?? []).compactMap { name -> (Int, Int)? in
            guard let match = name.wholeMatch(of: /L([0-9]{1,6})H([0-9]{1,6})\.json/),
                let layer = Int(match.1), let head = Int(match.2)
            else { return nil }
            return (layer, head)
        }
        let list = heads.sorted(by: <).map { "[\($0.0),\($0.1)]" }.joined(separator: ",")
        return Array("[\(list)]".utf8)
    }

    /// The file with this server's address, and a context and the heads with custom sequences where it
    /// says neither.
    static func announcing(_ url: String, customHeads: [UInt8], in stored: [UInt8]) -> [UInt8] {
        let heads = String(decoding: customHeads, as: UTF8.self)
        let alone = Array(#"{"server_url":"\#(url)","context":{},"custom_heads":\#(heads)}"#.utf8)
        do {
            var text = try JSONText(stored)
            guard let members = text.members(of: text.root) else { return alone }
            let server = members.last { $0.name == "server_url" }
            if let server, !text.isNull(server.value) { return stored }
            try text.set("server_url", to: Array("\"\(url)\"".utf8))
            for (name, value) in [("context", Array("{}".utf8)), ("custom_heads", customHeads)]
            where !members.contains(where: { $0.name == name }) {
                try text.set(name, to: value)
            }
            return text.bytes
        } catch {
            return alone
        }
    }
}
