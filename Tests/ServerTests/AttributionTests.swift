// SPDX-License-Identifier: Apache-2.0
// qk_attributions and ov_attributions: answers, what is stored of them, and what cannot be answered.

import Foundation
import Server
import TestSupport
import Testing

@Suite struct AttributionTests {
    private static let body =
        #"{"layer":1,"head":2,"seq_idx":"3","query_pos":9,"key_pos":4,"context":{}}"#

    /// Runs `body` with the dictionary that was trained for layer 1.
    private func explaining(
        _ dictionaries: URL? = nil,
        _ body: @escaping @Sendable (TestClient, TestSite) async throws -> Void
    ) async throws {
        let trained = try TestRun.shared.get().dictionaries
        try await routing({ $0.dictionaries = dictionaries ?? trained }, body)
    }

    /// A copy of the dictionaries for one test.
    private func withDictionaries(_ body: (URL) async throws -> Void) async throws {
        let copy = FileManager.default.temporaryDirectory
            .appending(path: "headvis-dictionaries-\(UUID().uuidString)")
        try FileManager.default.copyItem(at: try TestRun.shared.get().dictionaries, to: copy)
        defer { try? FileManager.default.removeItem(at: copy) }
        try await body(copy)
    }

    @Test(arguments: ["qk", "ov"])
    func `An answer has what the contract names, and its terms add up`(kind: String) async throws {
        try await explaining { client, _ in
            let answer = try await client.answer("\(kind)_attributions", Self.body)
            let pairs = try #require(answer["pairs"] as? [[String: Any]])
            #expect(!pairs.isEmpty)
            var last = Double.infinity
            for pair in pairs {
                let attribution = try #require(pair["attribution"] as? Double)
                #expect(abs(attribution) <= last)
                last = abs(attribution)
                for side in ["query", "key"] {
                    #expect(pair["\(side)_feature"] is Int)
                    #expect((pair["\(side)_description"] as? String)?.isEmpty == false)
                    try expectSnippets(pair["\(side)_snippets"])
                }
            }
            for side in ["query", "key"] {
                let marginals = try #require(answer["\(side)_marginals"] as? [[String: Any]])
                #expect(!marginals.isEmpty)
                for marginal in marginals {
                    #expect(
                        marginal["marginal_score"] is Double && marginal["description"] is String)
                    try expectSnippets(marginal["snippets"])
                    let partners = try #require(marginal["top_interactions"] as? [[String: Any]])
                    #expect(!partners.isEmpty)
                    for partner in partners {
                        #expect(partner["pairwise_score"] is Double)
                        #expect(partner["description"] is String)
                        try expectSnippets(partner["snippets"])
                    }
                }
            }
            let terms = try #require(answer["error_terms"] as? [[String: Any]])
            let sum = try terms.reduce(try #require(answer["explained"] as? Double)) {
                $0 + (try #require($1["value"] as? Double))
            }
            #expect(abs(sum - (try #require(answer["score"] as? Double))) < 1e-3)
            #expect((answer["writes"] != nil) == (kind == "ov"))
        }
    }

    private func dictionary(_ answer: [UInt8]) throws -> NSDictionary? {
        try object(answer)["dictionary"] as? NSDictionary
    }

    private func expectSnippets(_ value: Any?) throws {
        for snippet in try #require(value as? [[String: Any]]) {
            let tokens = try #require(snippet["tokens"] as? [String])
            let activations = try #require(snippet["activations"] as? [Double])
            #expect(!tokens.isEmpty && tokens.count == activations.count)
            #expect((1...10).contains(try #require(snippet["interval"] as? Int)))
        }
    }

    @Test func `What was answered is in the tree, and answered again as it is`() async throws {
        try await explaining { client, site in
            let first = try await client.post("qk_attributions", Self.body)
            #expect(first.status == .ok)
            let path = "attributions/qk/L1H2S3Q9K4.json"
            #expect(try site.read(path) == first.bytes)
            #expect(try await client.get("/data/\(path)").bytes == first.bytes)
            let written =
                try FileManager.default.attributesOfItem(
                    atPath: site.data.appending(path: path).path)[.systemFileNumber] as? Int
            #expect(try await client.post("qk_attributions", Self.body).bytes == first.bytes)
            let later =
                try FileManager.default.attributesOfItem(
                    atPath: site.data.appending(path: path).path)[.systemFileNumber] as? Int
            #expect(written == later)
            _ = try await client.answer("ov_attributions", Self.body)
            let manifest = try site.json("attributions/manifest.json")
            #expect(
                manifest as NSDictionary
                    == ["L1H2S3": ["qk": [[9, 4]], "ov": [[9, 4]]]] as NSDictionary)
        }
    }

    @Test func `A stored answer is renewed when descriptions of features come`() async throws {
        try await withDictionaries { dictionaries in
            try await explaining(dictionaries) { client, _ in
                let first = try await client.answer("qk_attributions", Self.body)
                let pairs = try #require(first["pairs"] as? [[String: Any]])
                let feature = try #require(pairs[0]["query_feature"] as? Int)
                try Data(#"{"index": \#(feature), "description": "told by a person"}"#.utf8)
                    .write(to: dictionaries.appending(path: "L1/descriptions.jsonl"))
                let second = try await client.answer("qk_attributions", Self.body)
                let renewed = try #require(second["pairs"] as? [[String: Any]])
                #expect(renewed[0]["query_description"] as? String == "told by a person")
                #expect(renewed[0]["attribution"] as? Double == pairs[0]["attribution"] as? Double)
            }
        }
    }

    /// Makes a dictionary of the outputs of layer 1's heads out of that of its residual stream: both are as wide.
    private func addHeadOutputs(to dictionaries: URL) throws {
        let (from, to) = (dictionaries.appending(path: "L1"), dictionaries.appending(path: "Z1"))
        try FileManager.default.copyItem(at: from, to: to)
        let config = to.appending(path: "cfg.json")
        var values = try object([UInt8](try Data(contentsOf: config)))
        values["metadata"] = ["hook_name": "blocks.1.attn.hook_z"]
        values["hook_name"] = nil
        try JSONSerialization.data(withJSONObject: values).write(to: config)
    }

    /// Has the stage take apart edges of head 1.2 in a tree without attributions.
    private func attributeAnew(_ site: TestSite, _ dictionaries: URL) throws {
        try FileManager.default.removeItem(at: site.data.appending(path: "attributions"))
        try Programs.run(
            Programs.folder.appending(path: "stage-dictionary"),
            [
                "attribute", "--model", TestRun.model.path, "--work", site.run.work.path, "--data",
                site.data.path, "--dictionaries", dictionaries.path, "--edges", "top:5", "--heads",
                "1.2",
            ])
    }

    @Test func `Features of heads' outputs come with the text on which they fire`() async throws {
        try await withDictionaries { dictionaries in
            let run = try TestRun.shared.get()
            let work = dictionaries.appending(path: "work")
            try FileManager.default.copyItem(at: run.work, to: work)
            try addHeadOutputs(to: dictionaries)
            try Programs.run(
                Programs.folder.appending(path: "stage-dictionary"),
                [
                    "evidence", "--model", TestRun.model.path, "--corpus",
                    run.folder.appending(path: "corpus.txt").path, "--seq-len", "64", "--layers",
                    "1", "--dictionaries", dictionaries.path, "--output-folder", work.path,
                ])
            try await routing({ ($0.dictionaries, $0.work) = (dictionaries, work) }) { client, _ in
                let answer = try await client.answer("ov_attributions", Self.body)
                let features = try #require(answer["written_features"] as? [[String: Any]])
                #expect(!features.isEmpty)
                for feature in features {
                    try expectSnippets(feature["snippets"])
                    let snippets = try #require(feature["snippets"] as? [[String: Any]])
                    let shown = snippets.flatMap { $0["activations"] as? [Double] ?? [] }
                    // The strongest firing of the corpus, of which the edge's query is one token.
                    let activation = try #require(feature["activation"] as? Double)
                    #expect(try #require(shown.max()) >= activation - 1e-3)
                }
            }
        }
    }

    @Test func `A dictionary of heads' outputs tells what the head writes, and from where`()
        async throws
    {
        try await withDictionaries { dictionaries in
            try await explaining(dictionaries) { client, site in
                let before = try await client.answer("ov_attributions", Self.body)
                #expect(before["written_features"] == nil)
                try addHeadOutputs(to: dictionaries)
                let answer = try await client.answer("ov_attributions", Self.body)
                let features = try #require(answer["written_features"] as? [[String: Any]])
                #expect(!features.isEmpty && features.count <= 8)
                #expect(answer["head_outputs_dictionary"] as? String == "Z1")
                var last = Double.infinity
                for feature in features {
                    func value(_ key: String) throws -> Double {
                        try #require(feature[key] as? Double)
                    }
                    // Of a TopK dictionary a feature that fires is as active as its sum is large.
                    let sum = try value("head_score") + value("other_heads") + value("constant")
                    #expect(abs(sum - (try value("activation"))) < 1e-2)
                    #expect(abs(try value("head_score")) <= last)
                    last = abs(try value("head_score"))
                    let keys = try #require(feature["top_keys"] as? [[String: Any]])
                    #expect(keys.count <= 4)
                    for key in keys {
                        #expect((0...9).contains(try #require(key["key"] as? Int)))
                        #expect(key["score"] is Double)
                    }
                    #expect((feature["description"] as? String)?.isEmpty == false)
                }
                let path = "attributions/ov/L1H2S3Q9K4.json"
                #expect(try site.json(path) as NSDictionary == answer as NSDictionary)
                let qk = try await client.answer("qk_attributions", Self.body)
                #expect(qk["written_features"] == nil)

                // The stage stores as much.
                try attributeAnew(site, dictionaries)
                let again = try FileManager.default.subpathsOfDirectory(
                    atPath: site.data.appending(path: "attributions/ov").path)
                for name in again {
                    let file = try site.json("attributions/ov/\(name)")
                    #expect((file["written_features"] as? [[String: Any]])?.isEmpty == false)
                    #expect(Set(file.keys) == Set(answer.keys))
                }
                #expect(!again.isEmpty)
            }
        }
    }

    @Test func `A dictionary of heads' outputs alone tells what the head writes`() async throws {
        try await withDictionaries { dictionaries in
            try addHeadOutputs(to: dictionaries)
            try await explaining(dictionaries) { client, site in
                let both = try await client.answer("ov_attributions", Self.body)
                try FileManager.default.removeItem(at: dictionaries.appending(path: "L1"))
                let alone = try await client.answer("ov_attributions", Self.body)
                for key in ["written_features", "head_outputs_dictionary"] {
                    let (one, two) = (try #require(alone[key]), try #require(both[key]))
                    #expect(one as? NSObject == two as? NSObject)
                }
                #expect(alone["attention"] as? Double == both["attention"] as? Double)
                for key in ["pairs", "query_marginals", "key_marginals"] {
                    #expect((alone[key] as? [Any])?.isEmpty == true)
                }
                for key in ["score", "explained", "error_terms", "writes"] {
                    #expect(alone[key] == nil)
                }
                let qk = try await client.post("qk_attributions", Self.body)
                #expect(qk.status == .notImplemented)
                #expect(qk.detail?.contains("Z1 is of the outputs of its heads") == true)
                #expect(qk.detail?.contains("make dictionary LAYERS=1") == true)

                // The stage stores the same, and nothing of scores.
                try attributeAnew(site, dictionaries)
                let manifest = try site.json("attributions/manifest.json")
                #expect(!manifest.isEmpty)
                for (_, kinds) in manifest {
                    let kinds = try #require(kinds as? [String: Any])
                    #expect((kinds["qk"] as? [Any])?.isEmpty == true)
                    #expect((kinds["ov"] as? [Any])?.isEmpty == false)
                }
                let names = try FileManager.default.subpathsOfDirectory(
                    atPath: site.data.appending(path: "attributions/ov").path)
                let name = try #require(names.first)
                let edge = try #require(name.firstMatch(of: /L1H2S(\d+)Q(\d+)K(\d+)\.json/))
                let stored = try site.read("attributions/ov/\(name)")
                try FileManager.default.removeItem(
                    at: site.data.appending(path: "attributions/ov/\(name)"))
                let again = try await client.post(
                    "ov_attributions",
                    #"{"layer":1,"head":2,"seq_idx":"\#(edge.1)","query_pos":\#(edge.2),"key_pos":\#(edge.3),"context":{}}"#
                )
                #expect(again.bytes == stored)
            }
        }
    }

    @Test func `A custom sequence can be taken apart`() async throws {
        try await explaining { client, site in
            let sequence = try await client.answer(
                "add_custom_sequence",
                #"{"layer":1,"head":2,"text":"cat dog sun cat dog","context":{}}"#)
            let id = try #require(sequence["sequence_id"] as? String)
            let answer = try await client.answer(
                "qk_attributions",
                #"{"layer":1,"head":2,"seq_idx":"\#(id)","query_pos":4,"key_pos":2,"context":{}}"#)
            #expect(answer["pairs"] != nil)
            #expect(try site.json("attributions/manifest.json")["L1H2S\(id)"] != nil)
        }
    }

    @Test func `Without a dictionary the answer names the folder and what trains one`() async throws
    {
        try await explaining { client, site in
            let answer = try await client.post(
                "qk_attributions",
                #"{"layer":0,"head":2,"seq_idx":"3","query_pos":9,"key_pos":4,"context":{}}"#)
            #expect(answer.status == .notImplemented)
            let detail = try #require(answer.detail)
            #expect(detail.contains(site.run.dictionaries.path))
            #expect(detail.contains("make dictionary LAYERS=0"))
        }
    }

    @Test func `A dictionary of another width or layer is refused with both numbers`() async throws
    {
        try await withDictionaries { dictionaries in
            let config = dictionaries.appending(path: "L1/cfg.json")
            let text = String(decoding: try Data(contentsOf: config), as: UTF8.self)
            for (found, replacement, numbers) in [
                ("\"d_in\" : 64", "\"d_in\" : 65", ["65", "64"]),
                ("blocks.1.hook_resid_pre", "blocks.0.hook_resid_pre", ["0", "1"]),
            ] {
                let changed = text.replacing(found, with: replacement)
                try #require(changed != text)
                try Data(changed.utf8).write(to: config)
                try await explaining(dictionaries) { client, _ in
                    let answer = try await client.post("ov_attributions", Self.body)
                    #expect(answer.status == .notImplemented)
                    for number in numbers { #expect(answer.detail?.contains(number) == true) }
                }
            }
        }
    }

    @Test(arguments: [
        (#"{"layer":1,"head":2,"seq_idx":"3","query_pos":4,"key_pos":9}"#, 422),
        (#"{"layer":1,"head":2,"seq_idx":"3","query_pos":5000,"key_pos":4}"#, 422),
        (#"{"layer":1,"head":2,"seq_idx":"9999","query_pos":5,"key_pos":4}"#, 422),
        (#"{"layer":1,"head":2,"seq_idx":"../../x","query_pos":5,"key_pos":4}"#, 422),
        (#"{"layer":1,"head":2,"seq_idx":"cdead","query_pos":5,"key_pos":4}"#, 404),
        (#"{"layer":1,"head":9,"seq_idx":"3","query_pos":5,"key_pos":4}"#, 422),
    ])
    func `An edge that cannot be says why, and nothing is stored`(
        body: String, status: Int
    ) async throws {
        try await explaining { client, site in
            for kind in ["qk", "ov"] {
                let answer = try await client.post("\(kind)_attributions", body)
                #expect(answer.status.code == status, "\(answer.detail ?? "")")
            }
            #expect(try site.json("attributions/manifest.json").isEmpty)
        }
    }

    @Test func `Edges taken apart ahead of time are what the server answers`() async throws {
        try await explaining { client, site in
            let arguments = [
                "attribute", "--model", TestRun.model.path, "--work", site.run.work.path, "--data",
                site.data.path, "--dictionaries", site.run.dictionaries.path, "--edges", "top:3",
            ]
            let program = Programs.folder.appending(path: "stage-dictionary")
            let output = try Programs.run(program, arguments)
            // Layer 0 has none.
            #expect(output.contains("make dictionary LAYERS=\"0\""))
            let manifest = try site.json("attributions/manifest.json")
            var edges = 0
            for (name, lists) in manifest {
                for (kind, list) in try #require(lists as? [String: [[Int]]]) {
                    for edge in list {
                        edges += 1
                        let path = "attributions/\(kind)/\(name)Q\(edge[0])K\(edge[1]).json"
                        let stored = try site.read(path)
                        try FileManager.default.removeItem(at: site.data.appending(path: path))
                        let parts = name.dropFirst().split { "HS".contains($0) }
                        let answer = try await client.post(
                            "\(kind)_attributions",
                            #"{"layer":\#(parts[0]),"head":\#(parts[1]),"seq_idx":"\#(parts[2])","query_pos":\#(edge[0]),"key_pos":\#(edge[1])}"#
                        )
                        // The same sources; numbers may differ in the last digit, as the server's pass
                        // ends with this edge and the stage's with the sequence's last.
                        #expect(try dictionary(answer.bytes) == dictionary(stored))
                        let (one, other) = (try object(answer.bytes), try object(stored))
                        #expect(Set(one.keys) == Set(other.keys))
                        for number in ["score", "explained", "attention"] {
                            let a = try #require(one[number] as? Double)
                            #expect(abs(a - (try #require(other[number] as? Double))) < 3e-4)
                        }
                    }
                }
            }
            #expect(edges == 2 * 3 * 4)
            // Another run finds everything there.
            let before = try site.read("attributions/manifest.json")
            try Programs.run(program, arguments)
            #expect(try site.read("attributions/manifest.json") == before)
        }
    }

    /// OLMo clips queries, keys and values, so its scores are no product of two sides.
    @Test func `A model whose heads cannot be taken apart is told, and is nobody's fault`()
        async throws
    {
        let run = try TestRun.shared.get()
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "headvis-clipped-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let (files, model) = (FileManager.default, folder.appending(path: "model"))
        try files.createDirectory(at: model, withIntermediateDirectories: true)
        for file in ["olmo/config.json", "olmo/model.safetensors", "induction-gpt2/tokenizer.json"]
        {
            let source = Fixtures.url("models/\(file)")
            try files.copyItem(at: source, to: model.appending(path: source.lastPathComponent))
        }
        let dictionaries = folder.appending(path: "dictionaries")
        try Programs.run(
            Programs.folder.appending(path: "stage-dictionary"),
            [
                "train", "--model", model.path, "--corpus",
                run.folder.appending(path: "corpus.txt").path, "--seq-len", "32", "--layers", "1",
                "--features-per-dimension", "2", "--k", "4", "--steps", "10", "--output-folder",
                dictionaries.path,
            ])
        try await routing {
            $0.model = model.path
            $0.dictionaries = dictionaries
        } _: { client, site in
            // A tree that does not say which model it is of.
            var config = try site.json("config.json")
            var facts = try #require(config["pipeline_config"] as? [String: Any])
            facts["model_sha256"] = nil
            config["pipeline_config"] = facts
            try JSONSerialization.data(withJSONObject: config)
                .write(to: site.data.appending(path: "config.json"))
            let words = Array(repeating: "cat dog", count: 6).joined(separator: " ")
            let prompt = try await client.answer(
                "add_custom_sequence", #"{"layer":1,"head":2,"text":"\#(words)"}"#)
            let id = try #require(prompt["sequence_id"] as? String)
            let answer = try await client.post(
                "qk_attributions",
                #"{"layer":1,"head":2,"seq_idx":"\#(id)","query_pos":9,"key_pos":4}"#)
            #expect(answer.status == .unprocessableContent, "\(answer.detail ?? "")")
            #expect(answer.detail?.contains("cannot be taken apart") == true)
        }
    }
}
