// SPDX-License-Identifier: Apache-2.0
// The router without sockets: the contract's bodies, bodies that are none, paths that lead nowhere.

import Foundation
import HTTPTypes
import Hummingbird
import Server
import TestSupport
import Testing

/// Runs `body` against a server for a copy of the tree, with the model ready.
func routing(
    _ change: (inout ServerOptions) -> Void = { _ in },
    _ body: @escaping @Sendable (TestClient, TestSite) async throws -> Void
) async throws {
    try await TestSite.with { site in
        var options = ServerOptions(
            data: site.data, web: site.web, work: site.run.work, model: TestRun.model.path)
        options.logsRequests = false
        change(&options)
        let server = HeadVisServer(options) { _ in }
        try await server.prepare()
        let client = try await TestClient(server.application())
        while try await client.get("/api/head_vis/public/status/v0").bytes
            .firstRange(of: Array("loading".utf8)) != nil
        { try await Task.sleep(for: .milliseconds(10)) }
        try await body(client, site)
    }
}

@Suite struct OperationTests {
    @Test func `The text of a corpus document gives the numbers that the pipeline emitted for it`()
        async throws
    {
        try await routing { client, site in
            for head in ["L0H1", "L1H0", "L1H3"] {
                let sequences = try site.json("heads/\(head).json")["sequences"]
                var compared = 0
                for expected in try #require(sequences as? [[String: Any]]) {
                    let id = try #require(expected["sequence_id"] as? Int)
                    // The scan cut longer documents.
                    guard site.run.corpus[id].split(separator: " ").count <= 64 else { continue }
                    let actual = try await client.answer(
                        "add_custom_sequence",
                        #"{"layer":\#(head.dropFirst().first!),"head":\#(head.last!),"text":"\#(site.run.corpus[id])","context":{}}"#
                    )
                    for key in [
                        "tokens", "attention_indices", "attention_values", "seq_len",
                        "max_activation",
                    ] {
                        #expect(
                            (actual[key] as? NSObject) == (expected[key] as? NSObject),
                            "\(head) sequence \(id): \(key)")
                    }
                    compared += 1
                }
                #expect(compared > 10)
            }
        }
    }

    @Test func `The same text again gives the same id and is stored once`() async throws {
        try await routing { client, site in
            let body = #"{"layer":1,"head":2,"text":"cat dog cat dog","context":{"any":[1]}}"#
            let first = try await client.post("add_custom_sequence", body)
            let second = try await client.post("add_custom_sequence", body)
            #expect(first.bytes == second.bytes)
            let stored = try site.json("custom_sequences/L1H2.json")["sequences"]
            let sequences = try #require(stored as? [[String: Any]])
            #expect(sequences.count == 1)
            #expect(sequences[0]["token_ids"] as? [Int] == [0, 1, 0, 1])
            let id = try #require(sequences[0]["sequence_id"] as? String)
            #expect(id.wholeMatch(of: /c[0-9a-f]{12}/) != nil)
        }
    }

    @Test func `A deleted sequence is gone, and cannot be deleted twice`() async throws {
        try await routing { client, site in
            let added = try await client.answer(
                "add_custom_sequence", #"{"layer":1,"head":2,"text":"cat","context":null}"#)
            let body =
                #"{"layer":1,"head":2,"sequence_id":"\#(added["sequence_id"]!)","context":{}}"#
            let answer = try await client.answer("delete_custom_sequence", body)
            #expect(answer["success"] as? Bool == true)
            #expect(try site.read("custom_sequences/L1H2.json") == Array(#"{"sequences":[]}"#.utf8))
            let again = try await client.post("delete_custom_sequence", body)
            #expect(again.status == .notFound)
        }
    }

    @Test func `Clusters are stored in both forms, and nothing else in the file changes`()
        async throws
    {
        try await routing { client, site in
            let before = String(decoding: try site.read("umap/L1H0.json"), as: UTF8.self)
            let cloud = try site.json("umap/L1H0.json")
            let sequence = try #require(cloud["seq_idx"] as? [Int])[4]
            let query = try #require(cloud["top_q"] as? [Int])[4]
            let key = try #require(cloud["top_k"] as? [Int])[4]
            _ = try await client.answer(
                "save_umap_clusters",
                ##"{"layer":1,"head":0,"clusters":[{"name":"a \"b\" \u00e9","color":"#ff0000","points":[[\##(sequence),\##(query),\##(key)],["c0a",1,2]]},{"name":"two","point_indices":[4]}],"context":{}}"##
            )
            let after = String(decoding: try site.read("umap/L1H0.json"), as: UTF8.self)
            let triple = "[\(sequence),\(query),\(key)]"
            let clusters =
                ##"[{"name":"a \"b\" é","color":"#ff0000","points":[\##(triple),["c0a",1,2]]},{"name":"two","color":"#ff7f0e","points":[\##(triple)]}]"##
            let versions = [
                try #require(cloud["clusters_version"] as? String),
                try #require(try site.json("umap/L1H0.json")["clusters_version"] as? String),
            ]
            #expect(versions[0] != versions[1])
            #expect(
                after
                    == before.replacing(#""clusters":[]"#, with: #""clusters":\#(clusters)"#)
                    .replacing(versions[0], with: versions[1]))
        }
    }

    @Test func `An edge is found in the cloud, or placed once and found from then on`() async throws
    {
        try await routing { client, site in
            let cloud = try site.json("umap/L1H0.json")
            let sequences = try #require(cloud["seq_idx"] as? [Int])
            let queries = try #require(cloud["top_q"] as? [Int])
            let keys = try #require(cloud["top_k"] as? [Int])
            func body(_ sequence: String, _ query: Int, _ key: Int) -> String {
                #"{"layer":1,"head":0,"seq_idx":"\#(sequence)","query_pos":\#(query),"key_pos":\#(key),"context":{}}"#
            }
            let known = try await client.answer(
                "project_to_umap", body(String(sequences[7]), queries[7], keys[7]))
            #expect(known["found_in_cloud"] as? Bool == true)
            #expect(known["existing_index"] as? Int == 7)

            let before = String(decoding: try site.read("umap/L1H0.json"), as: UTF8.self)
            let isNew = !zip(sequences, zip(queries, keys)).contains { $0 == 3 && $1 == (5, 5) }
            try #require(isNew)
            let response = try await client.post("project_to_umap", body("3", 5, 5))
            let answer = try object(response.bytes)
            #expect(answer["found_in_cloud"] as? Bool == false)
            #expect(answer["found_in_projected"] as? Bool == false)
            let point = try #require(answer["point"] as? [String: Any])
            #expect(point["seq_idx"] as? Int == 3)
            #expect((point["umap_views"] as? [[String: [String: Double]]])?.count == 2)
            #expect((point["tokens"] as? [String])?.count ?? 0 > 5)
            let text = String(decoding: response.bytes, as: UTF8.self)
            #expect(text.firstMatch(of: /\.\d{5}/) == nil, "four decimals at most")
            let stored = text.dropFirst(
                text.distance(from: text.startIndex, to: text.range(of: #""point":"#)!.upperBound)
            ).dropLast()
            let after = String(decoding: try site.read("umap/L1H0.json"), as: UTF8.self)
            #expect(
                after
                    == before.replacing(
                        #""projected_points":[]"#, with: #""projected_points":[\#(stored)]"#))

            let again = try await client.answer("project_to_umap", body("3", 5, 5))
            #expect(again["found_in_projected"] as? Bool == true)
            #expect(again["projected_index"] as? Int == 0)
        }
    }

    @Test func `A corpus text typed in by hand lands on the points of its corpus sequence`()
        async throws
    {
        try await routing { client, site in
            let cloud = try site.json("umap/L1H0.json")
            let sequences = try #require(cloud["seq_idx"] as? [Int])
            let queries = try #require(cloud["top_q"] as? [Int])
            let keys = try #require(cloud["top_k"] as? [Int])
            let pca = try #require(cloud["pca"] as? [String: [String: [Double]]])
            let views = try #require(cloud["views"] as? [[String: Any]])
            var compared = 0
            for i in stride(from: 0, to: sequences.count, by: 23) {
                let text = site.run.corpus[sequences[i]]
                let added = try await client.answer(
                    "add_custom_sequence", #"{"layer":1,"head":0,"text":"\#(text)"}"#)
                let answer = try await client.answer(
                    "project_to_umap",
                    #"{"layer":1,"head":0,"seq_idx":"\#(added["sequence_id"]!)","query_pos":\#(queries[i]),"key_pos":\#(keys[i])}"#
                )
                let point = try #require(answer["point"] as? [String: Any])
                let place = try #require(point["pca"] as? [String: [String: Double]])
                let placed = try #require(
                    point["umap_views"] as? [[String: [String: Double]]])
                for matrix in ["Q", "K", "O", "V"] {
                    for axis in ["d0", "d1", "d2"] {
                        let expected = try #require(pca[matrix]?[axis]?[i])
                        #expect(abs(try #require(place[matrix]?[axis]) - expected) < 2e-3)
                        for (v, view) in views.enumerated() where matrix != "O" {
                            let layouts = view["embeddings"] as? [String: [String: [Double]]]
                            let there = try #require(layouts?[matrix])
                            // Equal points of a cloud share the place of the first of them.
                            let places = sequences.indices.filter { j in
                                pca[matrix]!.allSatisfy {
                                    abs($0.value[j] - pca[matrix]![$0.key]![i]) < 1e-3
                                }
                            }.map { there[axis]![$0] }
                            let actual = try #require(placed[v][matrix]?[axis])
                            #expect(places.contains { abs($0 - actual) < 0.05 })
                        }
                    }
                }
                compared += 1
            }
            #expect(compared > 5)
        }
    }

    @Test func `The status tells the model and what can be done`() async throws {
        try await routing { client, _ in
            let status = try object(try await client.get("/api/head_vis/public/status/v0").bytes)
            let model = try #require(status["model"] as? [String: Any])
            #expect(model["name"] as? String == "induction-gpt2")
            #expect(model["state"] as? String == "ready")
            let operations = try #require(status["operations"] as? [String: Bool])
            #expect(
                operations == [
                    "add_custom_sequence": true, "delete_custom_sequence": true,
                    "save_umap_clusters": true, "project_to_umap": true, "qk_attributions": false,
                    "ov_attributions": false, "add_prompt": true, "arrange_prompts": true,
                    "sequence_pattern": true, "attention_on_edge": true, "save_note": true,
                    "ask_head": true, "start_lab_job": true,
                    "lab_job": true, "cancel_lab_job": true,
                ])
        }
    }

    @Test func `On a tree that cannot be changed only what reads it is offered`() async throws {
        try await routing { client, site in
            // Nobody can lock a folder, not even who may do everything.
            let lock = site.data.deletingLastPathComponent()
                .appending(path: ".\(site.data.lastPathComponent).lock")
            try? FileManager.default.removeItem(at: lock)
            try FileManager.default.createDirectory(at: lock, withIntermediateDirectories: false)
            let status = try object(try await client.get("/api/head_vis/public/status/v0").bytes)
            let operations = try #require(status["operations"] as? [String: Bool])
            #expect(
                Set(operations.filter(\.value).keys) == [
                    "sequence_pattern", "attention_on_edge", "lab_job", "cancel_lab_job",
                ])
        }
    }

    @Test func `Without work files a new point says what is missing`() async throws {
        try await routing {
            $0.work = URL(filePath: "/nonexistent/work")
        } _: { client, _ in
            let answer = try await client.post(
                "project_to_umap", #"{"layer":1,"head":0,"seq_idx":"3","query_pos":5,"key_pos":5}"#)
            #expect(answer.status == .notImplemented)
            #expect(answer.detail?.contains("/nonexistent/work/scan.h5") == true)
        }
    }

    @Test(arguments: [
        ("add_custom_sequence", #"{"#, 400), ("add_custom_sequence", #"[]"#, 422),
        ("add_custom_sequence", #"{"layer":1,"head":0}"#, 422),
        ("add_custom_sequence", #"{"layer":"1","head":0,"text":"cat"}"#, 422),
        ("add_custom_sequence", #"{"layer":1.5,"head":0,"text":"cat"}"#, 422),
        ("add_custom_sequence", #"{"layer":1,"head":4,"text":"cat"}"#, 422),
        ("add_custom_sequence", #"{"layer":-1,"head":0,"text":"cat"}"#, 422),
        ("add_custom_sequence", #"{"layer":1,"head":0,"text":""}"#, 422),
        ("add_custom_sequence", #"{"layer":1,"head":0,"text":"   "}"#, 422),
        ("delete_custom_sequence", #"{"layer":1,"head":0,"sequence_id":"../../config"}"#, 422),
        ("delete_custom_sequence", #"{"layer":1,"head":0,"sequence_id":"12"}"#, 422),
        ("delete_custom_sequence", #"{"layer":1,"head":0,"sequence_id":"cdead"}"#, 404),
        ("save_umap_clusters", #"{"layer":1,"head":0,"clusters":{}}"#, 422),
        ("save_umap_clusters", #"{"layer":1,"head":0,"clusters":[{"name":"a"}]}"#, 422),
        (
            "save_umap_clusters",
            #"{"layer":1,"head":0,"clusters":[{"name":"a","point_indices":[99999]}]}"#, 422
        ),
        (
            "save_umap_clusters",
            #"{"layer":1,"head":0,"clusters":[{"name":"a","points":[[1,2]]}]}"#, 422
        ),
        (
            "save_umap_clusters",
            #"{"layer":1,"head":0,"clusters":[{"name":"a","points":[["../x",1,2]]}]}"#, 422
        ),
        (
            "project_to_umap",
            #"{"layer":1,"head":0,"seq_idx":"3","query_pos":5000,"key_pos":5}"#, 422
        ),
        (
            "project_to_umap", #"{"layer":1,"head":0,"seq_idx":"3","query_pos":-1,"key_pos":5}"#,
            422
        ),
        (
            "project_to_umap", #"{"layer":1,"head":0,"seq_idx":"9999","query_pos":1,"key_pos":1}"#,
            422
        ),
        (
            "project_to_umap", #"{"layer":1,"head":0,"seq_idx":"cdead","query_pos":1,"key_pos":1}"#,
            404
        ),
        (
            "project_to_umap", #"{"layer":1,"head":0,"seq_idx":"x/y","query_pos":1,"key_pos":1}"#,
            422
        ),
        (
            "qk_attributions", #"{"layer":1,"head":0,"seq_idx":"3","query_pos":1,"key_pos":1}"#,
            501
        ),
        (
            "ov_attributions", #"{"layer":1,"head":0,"seq_idx":"3","query_pos":1,"key_pos":1}"#,
            501
        ),
        ("no_such_operation", "{}", 404),
    ])
    func `A request that cannot be answered says why`(_ name: String, _ body: String, _ status: Int)
        async throws
    {
        try await routing { client, _ in
            let answer = try await client.post(name, body)
            #expect(answer.status.code == status, "\(answer.detail ?? "")")
            #expect(answer.detail?.isEmpty == false)
            #expect(answer.headers[.contentType]?.hasPrefix("application/json") == true)
        }
    }

    @Test func `Too long a text names the limit`() async throws {
        try await routing { client, _ in
            let fits = Array(repeating: "cat", count: 128).joined(separator: " ")
            let ok = try await client.post(
                "add_custom_sequence", #"{"layer":1,"head":0,"text":"\#(fits)"}"#)
            #expect(ok.status == .ok)
            let long = try await client.post(
                "add_custom_sequence", #"{"layer":1,"head":0,"text":"\#(fits) cat"}"#)
            #expect(long.status == .unprocessableContent)
            #expect(long.detail?.contains("128") == true)
        }
    }

    @Test func `Operations want JSON and POST`() async throws {
        try await routing { client, _ in
            let form = try await client.post(
                "save_umap_clusters", Array("{}".utf8), type: "text/plain")
            #expect(form.status == .unsupportedMediaType)
            let get = try await client.get("/api/head_vis/public/save_umap_clusters/v0")
            #expect(get.status == .methodNotAllowed)
        }
    }

    @Test func `Random bodies are refused with a reason and harm nothing`() async throws {
        try await routing { client, site in
            var random = SplitMix(state: 11)
            let seeds = [
                #"{"layer":1,"head":0,"text":"cat dog","context":{}}"#,
                #"{"layer":1,"head":0,"sequence_id":"c00","context":{}}"#,
                #"{"layer":1,"head":0,"clusters":[{"name":"a","points":[[1,2,3]]}],"context":{}}"#,
                #"{"layer":1,"head":0,"seq_idx":"3","query_pos":4,"key_pos":4,"context":{}}"#,
            ]
            let names = [
                "add_custom_sequence", "delete_custom_sequence", "save_umap_clusters",
                "project_to_umap", "qk_attributions", "ov_attributions",
            ]
            let pieces = [
                "null", "-1", "1e99", "[", "}", "\"", "\\u0000", "9223372036854775808", "{}",
                "\u{FF}",
                "true", ",",
            ].map { Array($0.utf8) }
            for _ in 0..<1500 {
                var body = Array(seeds.randomElement(using: &random)!.utf8)
                for _ in 0..<Int.random(in: 1...3, using: &random) where !body.isEmpty {
                    let at = Int.random(in: 0..<body.count, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: body[at] = UInt8.random(in: 0...255, using: &random)
                    case 1: body.removeSubrange(at...)
                    case 2: body.insert(contentsOf: pieces.randomElement(using: &random)!, at: at)
                    default: body.remove(at: at)
                    }
                }
                let answer = try await client.post(names.randomElement(using: &random)!, body)
                if answer.status != .ok {
                    #expect(answer.status.code < 500 || answer.status.code == 501)
                    #expect(answer.detail?.isEmpty == false)
                }
            }
            for path in ["umap/L1H0.json", "umap/L1H1.json", "config.json"] {
                _ = try site.json(path)
            }
        }
    }
}
