// SPDX-License-Identifier: Apache-2.0
// The whole pipeline: numbers that were computed elsewhere, the contract, and what may go wrong.

import Foundation
import TestSupport
import Testing

@Suite struct PipelineTests {
    private struct Expected: Decodable {
        struct Head: Decodable {
            let layer: Int
            let head: Int
            let previous_token_score: Double
            let induction_score: Double
        }
        let heads: [Head]
    }

    @Test func `known induction heads get their known scores`() throws {
        try withPipeline { pipeline in
            #expect(try pipeline.scan(["--no-bos"]).status == 0)
            try pipeline.finish()
            let expected = try JSONDecoder().decode(
                Expected.self,
                from: Data(contentsOf: Fixtures.url("models/induction-gpt2/expected.json")))
            let rows = try #require(try pipeline.json("scatter_data.json") as? [[String: Any]])
            #expect(rows.count == expected.heads.count)
            for head in expected.heads {
                let row = try #require(
                    rows.first {
                        $0["layer"] as? Int == head.layer && $0["head"] as? Int == head.head
                    })
                let previous = try #require(row["previous_token_score"] as? Double)
                let induction = try #require(row["induction_score"] as? Double)
                #expect(abs(previous - head.previous_token_score) < 6e-5)
                #expect(abs(induction - head.induction_score) < 6e-5)
            }
        }
    }

    @Test func `the tree is what the contract says`() throws {
        try withPipeline { pipeline in
            #expect(try pipeline.scan(["--layers", "1"]).status == 0)
            try pipeline.finish()
            let config = try #require(try pipeline.json("config.json") as? [String: Any])
            #expect(config["heads"] as? [[Int]] == [[1, 0], [1, 1], [1, 2], [1, 3]])
            #expect(config["n_layers"] as? Int == 2)
            #expect(config["n_intervals"] as? Int == 10)
            #expect(config["has_umap"] as? Bool == true)
            #expect(config["head_data_pattern"] as? String == "L{layer}H{head}.json")
            for key in [
                "model_name", "n_heads", "metrics", "metric_descriptions", "umap_heads",
                "custom_plots", "custom_tables", "statistics_display", "pipeline_config",
            ] { #expect(config[key] != nil, "\(key)") }
            let metrics = try #require(config["metrics"] as? [String])
            for row in try #require(try pipeline.json("scatter_data.json") as? [[String: Any]]) {
                for metric in metrics { #expect((row[metric] as? Double)?.isFinite == true) }
            }
            for head in 0..<4 { try checkHead(pipeline, "L1H\(head)", config) }
            for folder in ["custom_sequences", "attributions/qk", "attributions/ov"] {
                let path = pipeline.data.appending(path: folder).path
                #expect(FileManager.default.fileExists(atPath: path))
            }
            #expect((try pipeline.json("server_config.json") as? [String: Any])?.isEmpty == true)
            #expect(
                (try pipeline.json("attributions/manifest.json") as? [String: Any])?.isEmpty == true
            )
        }
    }

    private func checkHead(_ pipeline: Pipeline, _ name: String, _ config: [String: Any]) throws {
        let head = try #require(try pipeline.json("heads/\(name).json") as? [String: Any])
        let sequences = try #require(head["sequences"] as? [[String: Any]])
        var ids = Set<Int>()
        for sequence in sequences {
            let tokens = try #require(sequence["tokens"] as? [String])
            let indices = try #require(sequence["attention_indices"] as? [Int])
            let values = try #require(sequence["attention_values"] as? [Double])
            let length = try #require(sequence["seq_len"] as? Int)
            let largest = try #require(sequence["max_activation"] as? Double)
            #expect(tokens.count == length && indices.count == values.count)
            #expect(indices == indices.sorted())
            #expect(values.allSatisfy { (0.005...1).contains($0) })
            #expect((1...10).contains(try #require(sequence["interval"] as? Int)))
            let stored = zip(indices, values).filter { $0.0 / length > 0 && $0.0 % length > 0 }
            #expect(stored.allSatisfy { $0.0 % length <= $0.0 / length })
            #expect(abs((stored.map(\.1).max() ?? 0) - largest) < 1e-9)
            let rows = Dictionary(grouping: indices) { $0 / length }
            #expect(rows.values.allSatisfy { $0.count <= 8 })
            ids.insert(try #require(sequence["sequence_id"] as? Int))
        }
        #expect(ids.count == sequences.count && ids.count == 32)
        for key in ["histogram", "qk_distance_histogram", "attention_by_distance"] {
            let plot = try #require(head[key] as? [String: [Double]])
            #expect(plot["bin_edges"]?.count == (plot["bin_values"]?.count ?? 0) + 1)
        }
        for table in try #require(config["custom_tables"] as? [[String: String]]) {
            let rows = try #require(head[table["key"] ?? ""] as? [[String: Any]])
            let weights = rows.compactMap { $0["weight"] as? Double }
            #expect(weights.count == rows.count && weights == weights.sorted(by: >))
        }
        try checkCloud(pipeline, name)
    }

    private func checkCloud(_ pipeline: Pipeline, _ name: String) throws {
        let cloud = try #require(try pipeline.json("umap/\(name).json") as? [String: Any])
        let sequences = try #require(cloud["seq_idx"] as? [Int])
        let n = sequences.count
        #expect(n > 50 && n <= 200)
        let tokens = try #require(try pipeline.json("umap/sequences.json") as? [String: [String]])
        for (i, s) in sequences.enumerated() {
            let length = try #require(tokens[String(s)]).count
            let (q, k) = (
                (cloud["top_q"] as? [Int])?[i] ?? -1, (cloud["top_k"] as? [Int])?[i] ?? -1
            )
            #expect(q > 0 && q < length && k > 0 && k <= q)
        }
        let views = try #require(cloud["views"] as? [[String: Any]])
        #expect(views.count == 1 && views[0]["n_neighbors"] as? Int == 15)
        for places in [cloud["pca"], views[0]["embeddings"]] {
            let matrices = try #require(places as? [String: [String: [Double]]])
            #expect(matrices.keys.sorted() == ["K", "O", "Q", "V"])
            for matrix in matrices.values {
                #expect(matrix.keys.sorted() == ["d0", "d1", "d2"])
                #expect(matrix.values.allSatisfy { $0.count == n })
            }
        }
    }

    @Test func `a head's file tells with whom it works and what it writes`() throws {
        try withPipeline { pipeline in
            #expect(try pipeline.scan().status == 0)
            try pipeline.finish()
            let config = try #require(try pipeline.json("config.json") as? [String: Any])
            let heads = try #require(config["heads"] as? [[Int]])
            for (layer, head) in heads.map({ ($0[0], $0[1]) }) {
                let file = try #require(
                    try pipeline.json("heads/L\(layer)H\(head).json") as? [String: Any])
                let circuit = try #require(file["composition"] as? [String: Any])
                for (key, isEarlier) in [("reads_from", true), ("read_by", false)] {
                    let sides = try #require(circuit[key] as? [String: [[String: Any]]])
                    #expect(sides.keys.sorted() == ["k", "q", "v"])
                    for partners in sides.values {
                        let layers = partners.compactMap { $0["layer"] as? Int }
                        #expect(layers.allSatisfy { isEarlier ? $0 < layer : $0 > layer })
                        #expect(layers.count == partners.count && layers.count <= 20)
                        let deviations = partners.compactMap { $0["deviations"] as? Double }
                        #expect(deviations == deviations.sorted(by: >))
                        for partner in partners {
                            let kernel = try #require(partner["kernel"] as? Double)
                            let chance = try #require(partner["kernel_chance"] as? Double)
                            let above = try #require(partner["kernel_deviations"] as? Double)
                            #expect(kernel >= 0 && chance > 0 && (kernel > chance) == (above > 0))
                        }
                    }
                }
                let alike = try #require(file["similar_weights"] as? [[String: Any]])
                #expect(
                    !alike.contains { $0["layer"] as? Int == layer && $0["head"] as? Int == head })
                let means = try alike.map {
                    try #require($0["qk"] as? Double) + (try #require($0["ov"] as? Double))
                }
                #expect(!means.isEmpty && means == means.sorted(by: >))
                let writes = try #require(file["writes"] as? [[String: Any]])
                #expect(writes[0]["token"] is NSNull)
                #expect(writes.dropFirst().allSatisfy { $0["token"] is String })
                #expect(writes.count <= 11)
                for row in writes {
                    let raised = (row["promotes"] as? [[String: Any]])?.compactMap {
                        $0["weight"] as? Double
                    }
                    #expect(raised?.count == 8 && raised == raised?.sorted(by: >))
                }
            }
        }
    }

    @Test func `weights of another model are not mixed in`() throws {
        try withPipeline { pipeline in
            #expect(try pipeline.scan().status == 0)
            try pipeline.finish()
            try pipeline.succeed(
                "stage-weights",
                [
                    "--model", Fixtures.url("models/gpt2").path, "--output",
                    pipeline.work("weights"),
                ])
            let result = try TestSupport.run(
                "stage-emit",
                [
                    "--scan", pipeline.work("scan"), "--metrics", pipeline.work("metrics"),
                    "--sample", pipeline.work("sample"), "--weights", pipeline.work("weights"),
                    "--data", pipeline.data.path,
                ])
            #expect(result.status != 0)
            #expect(result.errors.contains("is of another model"))
        }
    }

    @Test func `equal runs give equal bytes whatever the number of workers`() throws {
        try withPipeline { pipeline in
            #expect(try pipeline.scan(["--workers", "1"]).status == 0)
            try pipeline.finish()
            let first = try pipeline.files()
            #expect(try pipeline.scan(["--workers", "3"]).status == 0)
            try pipeline.finish()
            let second = try pipeline.files()
            #expect(first.keys.sorted() == second.keys.sorted())
            for (name, bytes) in first { #expect(bytes == second[name], "\(name)") }
        }
    }

    @Test func `what people made survives another emit`() throws {
        try withPipeline { pipeline in
            #expect(try pipeline.scan(["--layers", "1"]).status == 0)
            try pipeline.finish()
            let custom = pipeline.data.appending(path: "custom_sequences/L1H0.json")
            try Data(#"{"sequences": [1]}"#.utf8).write(to: custom)
            for name in ["notes.json", "prompts/index.json"] {
                let url = pipeline.data.appending(path: name)
                #expect(FileManager.default.fileExists(atPath: url.path))
                try Data(#"{"mine":1}"#.utf8).write(to: url)
            }
            let cached = pipeline.data.appending(path: "attributions/qk/L1H0S1Q2K1.json")
            try Data(#"{"pairs": []}"#.utf8).write(to: cached)
            let cloud = pipeline.data.appending(path: "umap/L1H2.json")
            let clusters = #"[{"name":"mine","color":"red","points":[[99999,1,1]]}]"#
            let text = try String(contentsOf: cloud, encoding: .utf8)
            try Data(text.replacing(#""clusters":[]"#, with: #""clusters":"# + clusters).utf8)
                .write(to: cloud)
            // A head that is no longer studied loses its file, not what was made for it.
            #expect(try pipeline.scan(["--heads", "1.2"]).status == 0)
            try pipeline.finish()
            let files = try pipeline.files()
            #expect(files["heads/L1H0.json"] == nil && files["heads/L1H2.json"] != nil)
            #expect(files["custom_sequences/L1H0.json"] == Data(#"{"sequences": [1]}"#.utf8))
            #expect(files["attributions/qk/L1H0S1Q2K1.json"] != nil)
            for name in ["notes.json", "prompts/index.json"] {
                #expect(files[name] == Data(#"{"mine":1}"#.utf8), "\(name)")
            }
            let again = try String(contentsOf: cloud, encoding: .utf8)
            #expect(again.contains(clusters))
        }
    }

    @Test func `attributions go when their sequences change, but for custom ones`() throws {
        try withPipeline { pipeline in
            #expect(try pipeline.scan(["--layers", "1"]).status == 0)
            try pipeline.finish(project: false)
            let attributions = pipeline.data.appending(path: "attributions")
            for name in ["L1H0S1Q2K1.json", "L1H0Scafe12Q2K1.json"] {
                try Data("{}".utf8).write(to: attributions.appending(path: "qk/\(name)"))
            }
            let custom = #""L1H0Scafe12":{"qk":[[2,1]],"ov":[]}}"#
            let manifest = #"{"L1H0S1":{"qk":[[2,1]],"ov":[]},"# + custom
            try Data(manifest.utf8).write(to: attributions.appending(path: "manifest.json"))
            #expect(try pipeline.scan(["--layers", "1", "--seed", "2"]).status == 0)
            try pipeline.finish(project: false)
            var files = try pipeline.files()
            #expect(files["attributions/manifest.json"] == Data(manifest.utf8))
            #expect(files["attributions/qk/L1H0S1Q2K1.json"] != nil)

            #expect(try pipeline.scan(["--layers", "1", "--sequences", "20"]).status == 0)
            try pipeline.finish(project: false)
            files = try pipeline.files()
            #expect(
                files["attributions/manifest.json"] == Data("{\(custom)".utf8))
            #expect(files["attributions/qk/L1H0S1Q2K1.json"] == nil)
            #expect(files["attributions/qk/L1H0Scafe12Q2K1.json"] != nil)
        }
    }

    @Test func `a folder of locks is an empty one, and one with anything else is not`() throws {
        try withPipeline { pipeline in
            #expect(try pipeline.scan().status == 0)
            try FileManager.default.createDirectory(
                at: pipeline.data, withIntermediateDirectories: true)
            for name in [".inner.lock", ".inner.run", ".inner.run.lock"] {
                try Data().write(to: pipeline.data.appending(path: name))
            }
            try pipeline.finish(project: false)
            #expect(try pipeline.files()["config.json"] != nil)

            try FileManager.default.removeItem(at: pipeline.data.appending(path: "config.json"))
            let result = try TestSupport.run(
                "stage-emit",
                [
                    "--scan", pipeline.work("scan"), "--metrics", pipeline.work("metrics"),
                    "--sample", pipeline.work("sample"), "--data", pipeline.data.path,
                ])
            #expect(result.status != 0)
            #expect(result.errors.contains("is a folder with other things in it"))
        }
    }

    @Test func `another model's tree is not replaced`() throws {
        try withPipeline { pipeline in
            #expect(try pipeline.scan().status == 0)
            try pipeline.finish(project: false)
            let before = try pipeline.files()
            var other = pipeline
            other.model = Fixtures.url("models/gpt2").path
            let scanned = try other.scan(["--seq-len", "64"])
            #expect(scanned.status == 0, "\(scanned.errors)")
            try other.succeed(
                "stage-metrics", ["--scan", other.work("scan"), "--output", other.work("metrics")])
            try other.succeed(
                "stage-sample", ["--scan", other.work("scan"), "--output", other.work("sample")])
            let result = try TestSupport.run(
                "stage-emit",
                [
                    "--scan", other.work("scan"), "--metrics", other.work("metrics"), "--sample",
                    other.work("sample"), "--data", other.data.path,
                ])
            #expect(result.status != 0)
            #expect(result.errors.contains("make set-aside"))
            #expect(try pipeline.files() == before)
        }
    }

    @Test func `work files of different scans are not mixed`() throws {
        try withPipeline { pipeline in
            #expect(try pipeline.scan(["--layers", "0"]).status == 0)
            try pipeline.finish(project: false)
            #expect(try pipeline.scan(["--layers", "0", "--seed", "1"]).status == 0)
            let result = try TestSupport.run(
                "stage-emit",
                [
                    "--scan", pipeline.work("scan"), "--metrics", pipeline.work("metrics"),
                    "--sample", pipeline.work("sample"), "--data", pipeline.data.path,
                ])
            #expect(result.status != 0)
            #expect(result.errors.contains("comes from another scan"))
            let wrongKind = try TestSupport.run(
                "stage-metrics",
                ["--scan", pipeline.work("metrics"), "--output", pipeline.work("x")])
            #expect(wrongKind.status != 0)
            #expect(wrongKind.errors.contains("not headvis-scan version"))
        }
    }

    @Test func `a killed scan leaves nothing that looks finished, and the next one ends the same`()
        throws
    {
        try withPipeline { pipeline in
            #expect(try pipeline.scan().status == 0)
            let whole = try Data(contentsOf: URL(filePath: pipeline.work("scan")))
            try FileManager.default.removeItem(atPath: pipeline.work("scan"))
            for delay in [0.005, 0.02, 0.05, 0.1] {
                let process = Process()
                process.executableURL = programFolder.appending(path: "stage-scan")
                process.arguments = [
                    "run", "--model", pipeline.model, "--corpus", pipeline.corpus.path, "--output",
                    pipeline.work("scan"), "--seq-len", "128", "--points", "300",
                ]
                process.standardError = FileHandle.nullDevice
                try process.run()
                Thread.sleep(forTimeInterval: delay)
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
                if FileManager.default.fileExists(atPath: pipeline.work("scan")) {
                    #expect(try Data(contentsOf: URL(filePath: pipeline.work("scan"))) == whole)
                    try FileManager.default.removeItem(atPath: pipeline.work("scan"))
                }
            }
            #expect(try pipeline.scan().status == 0)
            #expect(try Data(contentsOf: URL(filePath: pipeline.work("scan"))) == whole)
        }
    }
}
