// SPDX-License-Identifier: Apache-2.0
// A file of custom prompts: what one more takes, and that others may change it.

import Foundation
import Testing

@Suite(.serialized) struct PromptFileTests {
    private func serving(_ body: (ServerProcess, TestSite) throws -> Void) async throws {
        try await TestSite.with { site in
            let server = try ServerProcess(site, arguments: ["--quiet"])
            defer { server.killNow() }
            try body(server, site)
        }
    }

    @Test func `A prompt more in a file of 10,000 writes itself and little else`() async throws {
        try await serving { server, site in
            let url = site.data.appending(path: "custom_sequences/L1H0.json")
            let member = String(repeating: " ", count: 500)
            let old = (0..<10_000).map { #"{"sequence_id":"c\#($0)","odd" :1.50\#(member)}"# }
                .joined(separator: " ,\n")
            try Data(#"{"x":[1], "sequences": [\#(old)] , "y":{}}"#.utf8).write(to: url)
            func add(_ i: Int) throws -> String {
                let answer = try server.post(
                    "add_custom_sequence", #"{"layer":1,"head":0,"text":"cat dog \#(i)"}"#)
                #expect(answer.status == 200)
                return answer.text
            }
            // The first writes the spare file.
            var added = [try add(0), try add(1)]
            let before = try server.written()
            for i in 2..<40 { added.append(try add(i)) }
            let written = try server.written() - before
            #expect(written < 38 * 20_000, "\(written) bytes for 38 prompts")
            let text = String(decoding: try Data(contentsOf: url), as: UTF8.self)
            #expect(
                text
                    == #"{"x":[1], "sequences": [\#(old),\#(added.joined(separator: ","))] , "y":{}}"#
            )
            #expect(server.stop().status == 0)
            let names = try FileManager.default.contentsOfDirectory(
                atPath: url.deletingLastPathComponent().path)
            #expect(names == ["L1H0.json"])
        }
    }

    @Test func `Stored prompts are found, deleted and added again in a file that others change`()
        async throws
    {
        try await serving { server, site in
            let url = site.data.appending(path: "custom_sequences/L1H0.json")
            func post(_ name: String, _ body: String) throws -> HTTPAnswer {
                try server.post(name, #"{"layer":1,"head":0,\#(body)}"#)
            }
            func add(_ text: String) throws -> String {
                let answer = try post("add_custom_sequence", #""text":"\#(text)""#)
                return try #require(try object(answer.body)["sequence_id"] as? String)
            }
            let ids = try ["cat", "dog", "sun", "moon"].map { try add($0) }
            #expect(try add("dog") == ids[1])
            for id in [ids[1], ids[3], ids[0]] {
                #expect(
                    try post("delete_custom_sequence", #""sequence_id":"\#(id)""#).status == 200)
                #expect(
                    try post("delete_custom_sequence", #""sequence_id":"\#(id)""#).status == 404)
            }
            func stored() throws -> [String?] {
                let list = try site.json("custom_sequences/L1H0.json")["sequences"]
                return (list as? [[String: Any]] ?? []).map { $0["sequence_id"] as? String }
            }
            #expect(try stored() == [ids[2]])
            try Data(#"{ "sequences" : [ ] }"#.utf8).write(to: url)
            #expect(try add("sun") == ids[2])
            #expect(try add("cat") == ids[0])
            #expect(try stored() == [ids[2], ids[0]])
            #expect(
                try post("delete_custom_sequence", #""sequence_id":"\#(ids[0])""#).status == 200)
            #expect(
                try post("delete_custom_sequence", #""sequence_id":"\#(ids[2])""#).status == 200)
            #expect(try stored() == [])
            try FileManager.default.removeItem(at: url)
            #expect(try add("moon") == ids[3])
        }
    }
}
