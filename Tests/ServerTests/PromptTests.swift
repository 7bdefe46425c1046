// SPDX-License-Identifier: Apache-2.0
// One prompt for all heads: what is stored, in which order, and what a crash leaves of it. And notes on heads.

import Foundation
import Synchronization
import Testing

@Suite(.serialized) struct PromptTests {
    private func serving(_ body: (ServerProcess, TestSite) throws -> Void) async throws {
        try await TestSite.with { site in
            let server = try ServerProcess(site, arguments: ["--quiet"])
            defer { server.killNow() }
            try body(server, site)
        }
    }

    private func add(_ server: ServerProcess, _ text: String) throws -> [String: Any] {
        let answer = try server.post("add_prompt", #"{"text":"\#(text)","context":{}}"#)
        guard answer.status == 200 else { throw TestFailure(answer.text) }
        return try object(answer.body)
    }

    /// The dense attention of a stored record, zero where an entry is not stored.
    private func matrix(_ record: [String: Any]) throws -> [[Double]] {
        let n = try #require(record["seq_len"] as? Int)
        var rows = [[Double]](repeating: [Double](repeating: 0, count: n), count: n)
        let indices = try #require(record["attention_indices"] as? [Int])
        let values = try #require(record["attention_values"] as? [Double])
        for (index, value) in zip(indices, values) { rows[index / n][index % n] = value }
        return rows
    }

    @Test func `Every head of the tree is run once, as it would have been alone`() async throws {
        try await serving { server, site in
            let text = "cat dog sun cat dog sun"
            let answer = try add(server, text)
            let id = try #require(answer["sequence_id"] as? String)
            let heads = try #require(answer["heads"] as? [[String: Any]])
            let expected = try #require(try site.json("config.json")["heads"] as? [[Int]])
            #expect(
                heads.map { [$0["layer"] as? Int ?? -1, $0["head"] as? Int ?? -1] } == expected)
            for pair in expected {
                let alone = try object(
                    try server.post(
                        "add_custom_sequence",
                        #"{"layer":\#(pair[0]),"head":\#(pair[1]),"text":"\#(text)"}"#
                    ).body)
                #expect(alone["sequence_id"] as? String == id)
                let layer = try site.json("prompts/\(id)/L\(pair[0]).json")
                #expect(layer["tokens"] as? [String] == alone["tokens"] as? [String])
                let records = try #require(layer["sequences"] as? [[String: Any]])
                let record = try #require(records.first { $0["head"] as? Int == pair[1] })
                #expect(
                    record["attention_indices"] as? [Int] == alone["attention_indices"] as? [Int])
                #expect(
                    record["attention_values"] as? [Double] == alone["attention_values"]
                        as? [Double])
                #expect(record["max_activation"] as? Double == alone["max_activation"] as? Double)
                let head = try #require(
                    heads.first { $0["layer"] as? Int == pair[0] && $0["head"] as? Int == pair[1] })
                try compareMetrics(
                    head, try matrix(record), tokens: ["cat", "dog", "sun", "cat", "dog", "sun"])
            }
            let again = try add(server, text)
            #expect(again["sequence_id"] as? String == id)
            let index = try #require(try site.json("prompts/index.json")["prompts"] as? [Any])
            #expect(index.count == 1)
        }
    }

    /// Six tokens are within the eight entries a row keeps, so that only what is below the threshold of 0.005 is missing.
    private func compareMetrics(
        _ head: [String: Any], _ a: [[Double]], tokens: [String]
    ) throws {
        let n = a.count
        guard n == tokens.count else { return }
        let missing = 0.005 * Double(n)
        func expect(_ name: String, _ value: Double, within tolerance: Double) throws {
            let found = try #require(head[name] as? Double)
            #expect(abs(found - value) <= tolerance, "\(name): \(found) is not \(value)")
        }
        try expect(
            "previous_token_score", (1..<n).map { a[$0][$0 - 1] }.reduce(0, +) / Double(n - 1),
            within: missing)
        try expect(
            "self_attention_score", (0..<n).map { a[$0][$0] }.reduce(0, +) / Double(n),
            within: missing)
        try expect("sink_score", a.map { $0[0] }.reduce(0, +) / Double(n), within: missing)
        let entropy = a.map { row in -row.filter { $0 > 0 }.map { $0 * log($0) }.reduce(0, +) }
        try expect("pattern_entropy", entropy.reduce(0, +) / Double(n), within: 0.1)
        let repeated = (0..<n).filter { q in tokens[..<q].contains(tokens[q]) }
        let induction = repeated.map { q in
            (0..<q).filter { tokens[$0] == tokens[q] }.map { a[q][$0 + 1] }.reduce(0, +)
        }
        try expect(
            "induction_score", induction.reduce(0, +) / Double(repeated.count), within: missing)
        // The picture of so short a prompt is the pattern itself.
        let picture = try #require(
            (head["thumbnail"] as? String).flatMap { Data(base64Encoded: $0) })
        #expect(picture.count == n * n)
        for (i, cell) in picture.enumerated() {
            let exact: Double = a[i / n][i % n]
            let difference: Double = abs(Double(cell) / 255 - exact)
            #expect(difference <= 0.0021)  // half a step of 255, and the rounding of the record
        }
    }

    @Test func `The model tells of every head on an edge what the files store of it`() async throws
    {
        try await serving { server, site in
            let id = try #require(
                try add(server, "cat dog sun cat dog sun")["sequence_id"] as? String)
            let edge = #""seq_idx":"\#(id)","query_pos":4,"key_pos":2"#
            let told = try object(
                try server.post("attention_on_edge", #"{"layer":0,"head":0,\#(edge)}"#).body)
            let heads = try #require(told["heads"] as? [[String: Any]])
            #expect(heads.count == (try site.json("config.json")["heads"] as? [Any])?.count)
            for head in heads {
                let (layer, number) = (head["layer"] as? Int ?? -1, head["head"] as? Int ?? -1)
                let records = try #require(
                    try site.json("prompts/\(id)/L\(layer).json")["sequences"] as? [[String: Any]])
                let record = try #require(records.first { $0["head"] as? Int == number })
                let stored = try matrix(record)[4][2]
                let attention = try #require(head["attention"] as? Double)
                #expect(abs(attention - stored) < 1e-4 || (stored == 0 && attention < 0.0051))
            }
            // A sequence of the corpus that a head stores has the same pattern when it is run.
            let payload = try site.json("heads/L1H0.json")
            let sequences = try #require(payload["sequences"] as? [[String: Any]])
            for stored in sequences.prefix(3) {
                let number = try #require(stored["sequence_id"] as? Int)
                let run = try object(
                    try server.post(
                        "sequence_pattern", #"{"layer":1,"head":0,"seq_idx":\#(number)}"#
                    ).body)
                #expect(run["tokens"] as? [String] == stored["tokens"] as? [String])
                #expect(run["attention_indices"] as? [Int] == stored["attention_indices"] as? [Int])
            }
        }
    }

    @Test func `Prompts are named, put in order and deleted; what somebody else added stays`()
        async throws
    {
        try await serving { server, site in
            let ids = try ["cat", "dog", "sun"].map {
                try #require(try add(server, $0)["sequence_id"] as? String)
            }
            func listed() throws -> [[String]] {
                let prompts = try site.json("prompts/index.json")["prompts"] as? [[String: Any]]
                return (prompts ?? []).map {
                    [$0["sequence_id"] as? String ?? "", $0["name"] as? String ?? ""]
                }
            }
            #expect(try listed().map { $0[0] } == ids.reversed())
            // The client never knew of ids[2]; it deletes ids[1].
            let arranged = try server.post(
                "arrange_prompts",
                #"{"prompts":[{"sequence_id":"\#(ids[0])","name":"a \"cat\""}],"known":["\#(ids[0])","\#(ids[1])"]}"#
            )
            #expect(arranged.status == 200)
            #expect(try listed() == [[ids[2], ""], [ids[0], "a \"cat\""]])
            let folders = try FileManager.default.contentsOfDirectory(
                atPath: site.data.appending(path: "prompts").path)
            #expect(Set(folders) == [ids[0], ids[2], "index.json"])
            // A custom sequence of the same id is asked for by every operation.
            let placed = try server.post(
                "project_to_umap",
                #"{"layer":1,"head":0,"seq_idx":"\#(ids[0])","query_pos":0,"key_pos":0}"#)
            #expect(placed.status == 200, "\(placed.text)")
        }
    }

    @Test(arguments: [
        ("add_prompt", #"{"text":""}"#),
        ("add_prompt", #"{"text":"cat","name":"\#(String(repeating: "x", count: 201))"}"#),
        ("add_prompt", #"{"text":"\#(String(repeating: "cat ", count: 200))"}"#),
        ("add_prompt", #"{"name":"x"}"#),
        ("arrange_prompts", #"{"prompts":[{"sequence_id":"c1"}],"known":[]}"#),
        ("attention_on_edge", #"{"layer":9,"head":0,"seq_idx":1,"query_pos":1,"key_pos":1}"#),
        ("attention_on_edge", #"{"layer":1,"head":0,"seq_idx":1,"query_pos":1,"key_pos":100000}"#),
        ("sequence_pattern", #"{"layer":1,"head":0,"seq_idx":100000}"#),
        ("save_note", #"{"layer":1,"head":0,"name":"a","text":"","color":"red"}"#),
        ("save_note", #"{"layer":7,"head":7,"name":"a","text":"","color":""}"#),
        ("save_note", ##"{"layer":1,"head":0,"name":7,"text":"","color":"#112233"}"##),
    ])
    func `What cannot be done is refused with a sentence and changes nothing`(
        _ name: String, _ body: String
    ) async throws {
        try await serving { server, site in
            let before = try site.read("notes.json") + site.read("prompts/index.json")
            let answer = try server.post(name, body)
            #expect((400...422).contains(answer.status), "\(answer.text)")
            #expect((try object(answer.body)["detail"] as? String)?.isEmpty == false)
            #expect(try site.read("notes.json") + site.read("prompts/index.json") == before)
        }
    }

    @Test func `After kill -9 every listed prompt is whole, and what is not listed goes`()
        async throws
    {
        for round in 0..<4 {
            try await TestSite.with { site in
                let server = try ServerProcess(site, arguments: ["--quiet"])
                let kept = Mutex<Set<String>>([])
                let killer = Thread {
                    usleep(UInt32(60_000 + 70_000 * round))
                    server.killNow()
                }
                killer.start()
                for i in 0..<2000 {
                    guard let id = try? add(server, "cat dog \(i)")["sequence_id"] as? String
                    else { break }
                    kept.withLock { _ = $0.insert(id) }
                }
                while !killer.isFinished { usleep(1000) }
                let index = try site.json("prompts/index.json")["prompts"] as? [[String: Any]]
                let listed = Set((index ?? []).compactMap { $0["sequence_id"] as? String })
                #expect(kept.withLock { $0 }.isSubset(of: listed), "round \(round)")
                let layers = Set(
                    (try site.json("config.json")["heads"] as? [[Int]] ?? []).map { $0[0] })
                for id in listed {
                    #expect(
                        try site.json("prompts/\(id)/heads.json")["sequence_id"] as? String == id)
                    for layer in layers { _ = try site.json("prompts/\(id)/L\(layer).json") }
                }
                let next = try ServerProcess(site, arguments: ["--quiet"])
                defer { next.killNow() }
                let names = try FileManager.default.contentsOfDirectory(
                    atPath: site.data.appending(path: "prompts").path)
                #expect(Set(names) == listed.union(["index.json"]))
            }
        }
    }

    @Test func `Notes are kept by head, and another's change is not overwritten`() async throws {
        try await serving { server, site in
            func save(_ head: Int, _ name: String, base: String? = nil) throws -> HTTPAnswer {
                let known = base.map { #","base":{"name":"\#($0)","text":"","color":""}"# } ?? ""
                return try server.post(
                    "save_note",
                    #"{"layer":1,"head":\#(head),"name":"\#(name)","text":"","color":""\#(known)}"#)
            }
            #expect(try save(0, "induction").status == 200)
            #expect(try save(1, "copies", base: "").status == 200)
            #expect(try save(0, "mine", base: "").status == 409)
            #expect(try save(0, "mine", base: "induction").status == 200)
            let notes = try site.json("notes.json") as? [String: [String: String]]
            let names = (notes ?? [:]).mapValues { $0["name"] ?? "" }
            #expect(names == ["L1H0": "mine", "L1H1": "copies"])
            #expect(try save(0, "").status == 200)
            #expect(try site.json("notes.json").keys.sorted() == ["L1H1"])
        }
    }

    @Test func `The status tells another string after a change`() async throws {
        try await serving { server, _ in
            func changes() throws -> String? {
                let answer = try server.request("GET", "/api/head_vis/public/status/v0")
                return try object(answer.body)["changes"] as? String
            }
            let before = try changes()
            #expect(try changes() == before)
            _ = try add(server, "cat dog")
            #expect(try changes() != before)
        }
    }
}
