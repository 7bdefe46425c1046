// SPDX-License-Identifier: Apache-2.0
// Host headers and cached bodies: what a client sends is parsed, and nothing old is joined.

import Foundation
import Hummingbird
import NIOCore
import Testing

@testable import Server

@Suite struct AuthorityTests {
    @Test(
        arguments: [
            ("localhost", "localhost", nil), ("LocalHost:8000", "localhost", 8000),
            ("[::1]:80", "[::1]", 80), ("example.org", "example.org", nil),
            ("127.0.0.1:1", "127.0.0.1", 1),
        ] as [(String, String, UInt16?)])
    func `a host and its port are read`(text: String, name: String, port: UInt16?) throws {
        let authority = try #require(Authority(text))
        #expect(authority.name == name)
        #expect(authority.port == port)
        #expect(Authority(authority.description) == authority)
    }

    @Test(arguments: [
        "localhost:\"", "localhost\\", "", ":80", "a b", "[::1", "[]:1", "a:65536", "a:", "a:-1",
        "a/b", "a@b",
        "a?b", "a#b", "\u{E9}", "[a\"]:1", String(repeating: "a", count: 254),
    ])
    func `anything else is none`(text: String) { #expect(Authority(text) == nil) }

    @Test func `a file that is no object is announced without asking itself again`() {
        for stored in ["[1]", "{", "nonsense", ""] {
            let text = String(
                decoding: StaticFiles<BasicRequestContext>.announcing(
                    "http://localhost", in: Array(stored.utf8)),
                as: UTF8.self)
            #expect(text == #"{"server_url":"http://localhost","context":{}}"#)
        }
    }

    /// A body that is being made of an old file must not answer a request that came after a write.
    @Test func `a body in the making is not shared between states of its file`() async throws {
        let cache = BodyCache(capacity: 1 << 20)
        let path = try #require(FilePath(request: "/config.json"))
        let key = BodyCache.Key(root: "data", path: path, isCompressed: false)
        let (old, new) = (try state("old"), try state("newer"))
        let gate = AsyncStream<Void>.makeStream()
        async let slow = cache.body(key, of: old) {
            for await _ in gate.stream { break }
            return BodyCache.Body(state: old, bytes: ByteBuffer(string: "old"))
        }
        let fresh = await cache.body(key, of: new) {
            BodyCache.Body(state: new, bytes: ByteBuffer(string: "new"))
        }
        #expect(fresh.map { String(buffer: $0.bytes) } == "new")
        gate.continuation.yield()
        #expect(await slow.map { String(buffer: $0.bytes) } == "old")
        #expect(cache.body(key, new) == nil || cache.body(key, new)?.state == new)
        #expect(cache.body(key, old)?.state != new)
    }

    /// The state of a file with this text, which is then removed.
    private func state(_ text: String) throws -> FileState {
        let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data(text.utf8).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        return try #require(FileState(path: url.path))
    }
}
