// SPDX-License-Identifier: Apache-2.0
// Host headers are parsed, and no read is older than an acknowledged write.

import Foundation
import Server
import Testing

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
        "a/b", "a@b", "a?b", "a#b", "\u{E9}", "[a\"]:1", String(repeating: "a", count: 254),
    ])
    func `anything else is none`(text: String) { #expect(Authority(text) == nil) }

    /// While others keep asking for the file, so that old bodies are always in the making.
    @Test func `what was added is in the file that is read next`() async throws {
        try await routing { client, _ in
            let path = "/data/custom_sequences/L1H0.json"
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        while !Task.isCancelled {
                            _ = try await client.get(path, [.acceptEncoding: "gzip"])
                            _ = try await client.get(path)
                        }
                    }
                }
                for i in 0..<60 {
                    let added = try await client.answer(
                        "add_custom_sequence", #"{"layer":1,"head":0,"text":"cat dog \#(i)"}"#)
                    let id = try #require(added["sequence_id"] as? String)
                    let text = String(decoding: try await client.get(path).bytes, as: UTF8.self)
                    #expect(text.contains(id), "stale after write \(i)")
                }
                group.cancelAll()
            }
        }
    }
}
