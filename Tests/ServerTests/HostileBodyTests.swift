// SPDX-License-Identifier: Apache-2.0
// Bodies that are JSON, and no request.

import Foundation
import Testing

@Suite struct HostileBodyTests {
    @Test(arguments: [#"\ud800"#, #"cat \udc00 dog"#, #"\ud800\ud800"#])
    func `Text that is none is told from numbers that are none`(text: String) async throws {
        try await routing { client, _ in
            let answer = try await client.post(
                "add_custom_sequence", #"{"layer":1,"head":0,"text":"\#(text)"}"#)
            #expect(answer.status == .unprocessableContent)
            #expect(answer.detail?.contains("text holds text that is not Unicode") == true)
            let number = try await client.post(
                "add_custom_sequence", #"{"layer":1e99,"head":0,"text":"cat"}"#)
            #expect(number.detail?.contains("number") == true)
        }
    }

    @Test(arguments: [
        (#"{"text":"\x"}"#, "an unknown escape"), (#"{"layer":01}"#, "a number"),
        (#"{"layer":NaN}"#, "no value"),
    ])
    func `What is no JSON is told by its first fault`(body: String, fault: String) async throws {
        try await routing { client, _ in
            let answer = try await client.post("add_custom_sequence", body)
            #expect(answer.status == .badRequest)
            #expect(answer.detail?.contains(fault) == true, "\(answer.detail ?? "")")
        }
    }

    @Test func `Bytes that are no UTF-8 are told too`() async throws {
        try await routing { client, _ in
            let body =
                Array(#"{"layer":1,"head":0,"text":"cat "#.utf8) + [0xFF] + Array(#""}"#.utf8)
            let answer = try await client.post("add_custom_sequence", body)
            #expect(answer.status == .unprocessableContent)
            #expect(answer.detail?.contains("not Unicode") == true, "\(answer.detail ?? "")")
        }
    }

    @Test func `A key behind its query is refused as attributions refuse it`() async throws {
        try await routing { client, _ in
            let answer = try await client.post(
                "project_to_umap", #"{"layer":1,"head":0,"seq_idx":"3","query_pos":4,"key_pos":5}"#)
            #expect(answer.status == .unprocessableContent)
            #expect(answer.detail?.contains("at or before the query") == true)
        }
    }
}
