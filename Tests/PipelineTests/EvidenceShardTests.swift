// SPDX-License-Identifier: Apache-2.0
// Evidence collected in shards is that of one run to the byte, however the corpus is cut and whoever computes it.

import Foundation
import TestSupport
import Testing

@Suite struct EvidenceShardTests {
    /// A corpus and dictionaries of the residual stream and of the outputs of heads.
    private struct Collection {
        let pipeline: Pipeline
        var dictionaries: String { pipeline.folder.appending(path: "dictionaries").path }
        var reading: [String] {
            ["--model", pipeline.model, "--corpus", pipeline.corpus.path, "--seq-len", "48"]
        }
        func file(_ name: String) -> URL { pipeline.folder.appending(path: name) }

        init(_ pipeline: Pipeline) throws {
            self.pipeline = pipeline
            try pipeline.succeed(
                "stage-dictionary",
                ["train"] + reading + [
                    "--layers", "all", "--features-per-dimension", "2", "--k", "6", "--steps", "60",
                    "--output-folder", dictionaries,
                ])
            try addHeadOutputs()
        }

        /// The dictionary of layer 1 once more, said to be of what its heads put out: both are as wide.
        private func addHeadOutputs() throws {
            let copy = file("dictionaries/Z1")
            try FileManager.default.copyItem(at: file("dictionaries/L1"), to: copy)
            let config = copy.appending(path: "cfg.json")
            let json = try JSONSerialization.jsonObject(with: Data(contentsOf: config))
            var values = json as? [String: Any] ?? [:]
            values["metadata"] = ["hook_name": "blocks.1.attn.hook_z"]
            values["hook_name"] = nil
            try JSONSerialization.data(withJSONObject: values).write(to: config)
        }

        func evidence(_ options: [String]) throws -> ProgramResult {
            try TestSupport.run(
                "stage-dictionary",
                ["evidence"] + reading + ["--layers", "all", "--dictionaries", dictionaries]
                    + options)
        }

        /// The parts of n shards, each made by another number of workers.
        func parts(_ n: Int, _ options: [String] = []) throws -> [String] {
            try (1...n).map { i in
                let part = file("parts/\(i)-of-\(n).h5").path
                let result = try evidence(
                    options + [
                        "--shard", "\(i)/\(n)", "--workers", "\(i % 3 + 1)", "--output", part,
                    ])
                try #require(result.status == 0, "\(result.errors)")
                return part
            }
        }

        func merge(_ parts: [String]) throws -> ProgramResult {
            try TestSupport.run(
                "stage-dictionary", ["merge"] + parts + ["--output-folder", file("merged").path])
        }

        /// The files of evidence in a folder, with their bytes.
        func files(_ folder: String) throws -> [String: Data] {
            let names =
                (try? FileManager.default.contentsOfDirectory(atPath: file(folder).path)) ?? []
            return try Dictionary(
                uniqueKeysWithValues: names.map {
                    ($0, try Data(contentsOf: file("\(folder)/\($0)")))
                })
        }
    }

    private func withCollection(_ body: (Collection) throws -> Void) throws {
        try withPipeline { pipeline in
            let texts = try Pipeline.inductionTexts()
            try pipeline.writeCorpus((0..<6).flatMap { i in texts.map { String($0.dropFirst(i)) } })
            try body(try Collection(pipeline))
        }
    }

    @Test func `merged shards are the evidence, byte for byte`() throws {
        try withCollection { collection in
            let result = try collection.evidence([
                "--workers", "2", "--output-folder", collection.file("whole").path,
            ])
            try #require(result.status == 0, "\(result.errors)")
            let whole = try collection.files("whole")
            #expect(
                Set(whole.keys).isSuperset(of: [
                    "features-L0.h5", "features-L1.h5", "features-Z1.h5",
                ]))
            for n in [1, 2, 3, 40] {
                var parts = try collection.parts(n)
                parts = Array(parts.dropFirst(n / 2).reversed()) + parts.prefix(n / 2)
                let merged = try collection.merge(parts)
                try #require(merged.status == 0, "\(merged.errors)")
                #expect(try collection.files("merged") == whole, "\(n) shards")
            }
        }
    }

    @Test func `parts that do not belong together are named`() throws {
        try withCollection { collection in
            let parts = try collection.parts(3)
            let half = try collection.parts(2)
            func refusal(_ parts: [String]) throws -> String {
                let result = try collection.merge(parts)
                #expect(result.status > 0)
                #expect(try collection.files("merged").isEmpty)
                return result.errors
            }
            #expect(try refusal([parts[0]]).contains("2 are missing: 2/3 3/3"))
            #expect(try refusal(parts + [parts[1]]).contains("both are shard 2/3"))
            #expect(try refusal([half[0], parts[1]]).contains("is shard 2/3, but \(half[0])"))
            let seed = try collection.parts(1, ["--seed", "5"])
            #expect(try refusal([half[0], seed[0]]).contains("seed is 5, not 0"))
            try FileManager.default.removeItem(at: collection.file("dictionaries/Z1"))
            let fewer = try collection.parts(1)
            #expect(
                try refusal([half[0], fewer[0]]).contains("Z1 dictionary is the default, not Z1"))
            for input in [collection.pipeline.corpus, collection.file("dictionaries/L0/cfg.json")] {
                let before = try Data(contentsOf: input)
                let over = try collection.evidence(["--shard", "1/2", "--output", input.path])
                #expect(over.status > 0 && over.errors.contains("one of the stage's inputs"))
                #expect(try Data(contentsOf: input) == before)
            }
            let result = try collection.evidence(["--shard", "1/2"])
            #expect(result.status > 0 && result.errors.contains("name it with --output"))
        }
    }

    @Test func `parts with wrong numbers are merged or refused`() throws {
        try withCollection { collection in
            let parts = try collection.parts(2)
            let sound = try parts.map { try Data(contentsOf: URL(filePath: $0)) }
            var random = SplitMix(state: 15)
            var refused = 0
            for i in 0..<120 {
                for (path, data) in zip(parts, sound) { try data.write(to: URL(filePath: path)) }
                let part = parts[i % 2]
                let told = try WorkFileMutator(part).mutate(part, &random)
                let result = try collection.merge(parts)
                #expect(result.status >= 0, "\(told): \(result.errors)")
                refused += result.status == 0 ? 0 : 1
            }
            #expect(refused >= 12)
        }
    }
}
