// SPDX-License-Identifier: Apache-2.0
// Models whose layers differ, through the whole pipeline.

import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct FamilyTests {
    /// Learned sinks, heads of two widths, values narrower than keys, layers that share keys.
    @Test(arguments: ["gpt_oss", "gemma4-31b", "deepseek_v3", "gemma4-e2b-mm"])
    func `a tree is made of it`(name: String) throws {
        try withModel(name) { pipeline in
            #expect(try pipeline.scan(["--layers", "all", "--seq-len", "32"]).status == 0)
            try pipeline.finish()
            let rows = try #require(try pipeline.json("scatter_data.json") as? [[String: Any]])
            #expect(!rows.isEmpty)
            #expect(rows.allSatisfy { $0.values.allSatisfy { $0 is NSNumber } })
            #expect(rows.allSatisfy { ($0["learned_sink_score"] != nil) == (name == "gpt_oss") })
            // Latent queries and shared or normalised values cannot be taken apart from the residual stream.
            let isTakenApart = name == "gpt_oss"
            #expect(rows.allSatisfy { ($0["copying_score"] != nil) == isTakenApart })
            let head = try #require(try pipeline.json("heads/L0H0.json") as? [String: Any])
            #expect((head["composition"] != nil) == isTakenApart)
            #expect((head["writes"] as? [Any])?.isEmpty == false)
            let cloud = try #require(try pipeline.json("umap/L0H0.json") as? [String: Any])
            #expect((cloud["seq_idx"] as? [Int])?.isEmpty == false)
        }
    }

    @Test func `layers without heads are named with those that have some`() throws {
        try withModel("qwen3_5-mm") { pipeline in
            let refused = try pipeline.scan(["--layers", "0", "--seq-len", "32"])
            #expect(refused.status != 0)
            #expect(refused.errors.contains("layer 0 has no attention heads; these have: 1 4"))
            #expect(try pipeline.scan(["--layers", "all", "--seq-len", "32"]).status == 0)
            try pipeline.finish(project: false)
            let config = try #require(try pipeline.json("config.json") as? [String: Any])
            let layers = Set((config["heads"] as? [[Int]] ?? []).map { $0[0] })
            #expect(layers == [1, 4])
        }
    }

    /// Experts see the tokens of a whole batch, and batches are other ones in a shard.
    @Test(.enabled(if: BLAS.sumsRowsAlike, "OpenBLAS' AVX2 kernels sum rows by their place"))
    func `a mixture of experts gives the same numbers in shards`() throws {
        try withModel("mixtral") { pipeline in
            let options = ["--layers", "all", "--seq-len", "32"]
            #expect(try pipeline.scan(options).status == 0)
            let parts = [pipeline.work("a"), pipeline.work("b"), pipeline.work("c")]
            for (i, part) in parts.enumerated() {
                try #require(
                    try pipeline.scan(options + ["--shard", "\(i + 1)/3", "--output", part]).status
                        == 0)
            }
            try pipeline.succeed(
                "stage-scan", ["merge"] + parts + ["--output", pipeline.work("merged")])
            let files = try ["scan", "merged"].map {
                try Data(contentsOf: URL(filePath: pipeline.work($0)))
            }
            #expect(files[0] == files[1])
        }
    }

    /// A fixture with the tokenizer of another, whose ids are all within its vocabulary.
    private func withModel(_ name: String, _ body: (Pipeline) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let model = folder.appending(path: "model")
            try FileManager.default.createDirectory(at: model, withIntermediateDirectories: true)
            for (source, file) in [
                (name, "config.json"), (name, "model.safetensors"),
                ("induction-gpt2", "tokenizer.json"),
            ] {
                try FileManager.default.copyItem(
                    at: Fixtures.url("models/\(source)/\(file)"), to: model.appending(path: file))
            }
            var pipeline = Pipeline(folder: folder)
            pipeline.model = model.path
            try pipeline.writeCorpus(try Pipeline.inductionTexts())
            try body(pipeline)
        }
    }
}
