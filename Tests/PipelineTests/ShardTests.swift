// SPDX-License-Identifier: Apache-2.0
// A corpus scanned in shards gives the bytes of one scan, however it is cut and whoever computes it.

import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct ShardTests {
    /// Few samples and points, so that hashes choose patterns and pool, and top sequences are held back.
    private static let options = [
        "--samples-per-interval", "2", "--intervals", "5", "--top-sequences", "7", "--seq-len",
        "48",
    ]

    /// Texts of five to forty words: four blocks of scan.h5, more sequences than the pool takes, and equal
    /// ones among them.
    private static func manyTexts() throws -> [String] {
        let words = try Pipeline.inductionTexts().map { $0.split(separator: " ") }
        return (0..<2200).map { i in
            let source = words[i % words.count]
            let first = i / 7 % max(1, source.count - 5)
            return source[first...].prefix(5 + i % 36).joined(separator: " ")
        }
    }

    private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(filePath: path)) }

    /// Scans each shard with another number of workers and merges the parts out of order.
    private func scanInShards(
        _ pipeline: Pipeline, _ n: Int, _ options: [String] = ShardTests.options
    ) throws -> [String] {
        var parts: [String] = []
        for i in 1...n {
            parts.append(pipeline.work("part-\(i)-of-\(n)"))
            let result = try pipeline.scan(
                options + [
                    "--shard", "\(i)/\(n)", "--workers", "\(i % 3 + 1)", "--output", parts[i - 1],
                ])
            try #require(result.status == 0, "\(result.errors)")
        }
        return parts
    }

    private func merge(_ pipeline: Pipeline, _ parts: [String]) throws -> ProgramResult {
        try TestSupport.run(
            "stage-scan", ["merge"] + parts + ["--output", pipeline.work("merged")])
    }

    @Test func `merged shards are the scan, byte for byte`() throws {
        try withPipeline { pipeline in
            try pipeline.writeCorpus(try Self.manyTexts())
            try #require(try pipeline.scan(Self.options + ["--workers", "2"]).status == 0)
            let whole = try bytes(pipeline.work("scan"))
            for n in [1, 2, 3, 7] {
                var parts = try scanInShards(pipeline, n)
                for _ in 0..<(n > 2 ? 3 : 1) {
                    parts = Array(parts.dropFirst(n / 2).reversed()) + parts.prefix(n / 2)
                    let result = try merge(pipeline, parts)
                    try #require(result.status == 0, "\(result.errors)")
                    #expect(try bytes(pipeline.work("merged")) == whole, "\(n) shards")
                }
            }
        }
    }

    @Test(
        .enabled(
            if: (try? Precision.bf16.requireSupport()) != nil,
            "oneDNN and a processor with avx512_bf16"))
    func `in bf16 too, and parts of both precisions are told apart`() throws {
        try withPipeline { pipeline in
            try pipeline.writeCorpus(try Self.manyTexts())
            try #require(try pipeline.scan(Self.options).status == 0)
            let float32 = try bytes(pipeline.work("scan"))
            let reference = try scanInShards(pipeline, 2)
            try FileManager.default.moveItem(atPath: reference[1], toPath: pipeline.work("float32"))
            let options = Self.options + ["--precision", "bf16"]
            try #require(try pipeline.scan(options + ["--workers", "2"]).status == 0)
            let whole = try bytes(pipeline.work("scan"))
            #expect(whole != float32)
            let parts = try scanInShards(pipeline, 2, options)
            try #require(try merge(pipeline, parts).status == 0)
            #expect(try bytes(pipeline.work("merged")) == whole)
            let mixed = try merge(pipeline, [parts[0], pipeline.work("float32")])
            #expect(
                mixed.status > 0 && mixed.errors.contains("precision is the default, not bf16"),
                "\(mixed.errors)")
        }
    }

    /// 300 workers make batches of several blocks, which one worker runs one by one.
    @Test func `rows do not depend on workers or batches`() throws {
        try withPipeline { pipeline in
            try pipeline.writeCorpus(try Self.manyTexts())
            try #require(try pipeline.scan(Self.options + ["--workers", "1"]).status == 0)
            let whole = try bytes(pipeline.work("scan"))
            for workers in ["3", "300"] {
                try #require(try pipeline.scan(Self.options + ["--workers", workers]).status == 0)
                #expect(try bytes(pipeline.work("scan")) == whole, "\(workers) workers")
            }
        }
    }

    @Test func `a shard may have no sequences`() throws {
        try withPipeline { pipeline in
            try pipeline.writeCorpus(Array(try Pipeline.inductionTexts().prefix(3)))
            try #require(try pipeline.scan(["--edges", "output_norm"]).status == 0)
            let result = try merge(
                pipeline, try scanInShards(pipeline, 7, ["--edges", "output_norm"]))
            try #require(result.status == 0, "\(result.errors)")
            #expect(try bytes(pipeline.work("merged")) == bytes(pipeline.work("scan")))
        }
    }

    @Test(arguments: [
        "0/8", "9/8", "1/0", "-1/8", "1", "1/", "/2", "1/2/3", "a/b", "1/99999", "+1/2", "1.0/2",
    ])
    func `nonsense is no shard`(shard: String) throws {
        try withPipeline { pipeline in
            let result = try pipeline.scan(["--shard=\(shard)"])
            #expect(result.status > 0)
            #expect(result.errors.contains("i/n with i from 1 to n"), "\(result.errors)")
            #expect(!FileManager.default.fileExists(atPath: pipeline.work("scan")))
        }
    }

    @Test func `parts that do not belong together are named`() throws {
        try withPipeline { pipeline in
            let parts = try scanInShards(pipeline, 3)
            let seed = try scanInShards(pipeline, 2, Self.options + ["--seed", "5"])
            try FileManager.default.moveItem(atPath: seed[1], toPath: pipeline.work("seed"))
            let half = try scanInShards(pipeline, 2)
            func refusal(_ parts: [String]) throws -> String {
                let result = try merge(pipeline, parts)
                #expect(result.status > 0)
                #expect(!FileManager.default.fileExists(atPath: pipeline.work("merged")))
                return result.errors
            }
            #expect(try refusal([parts[0]]).contains("2 are missing: 2/3 3/3"))
            let twice = try refusal(parts + [parts[1]])
            #expect(twice.contains("\(parts[1]) and \(parts[1]): both are shard 2/3"))
            let other = try refusal([parts[0], pipeline.work("seed"), parts[2]])
            #expect(other.contains("\(pipeline.work("seed")): is of another run than \(parts[0])"))
            #expect(other.contains("seed is 5, not 0"))
            #expect(try refusal([half[0], parts[1]]).contains("is shard 2/3, but \(half[0])"))
            try pipeline.writeCorpus(["another text of the same model"])
            let corpus = try scanInShards(pipeline, 1)
            #expect(try refusal([half[0], corpus[0]]).contains("dataset_sha256 is "))
            #expect(try pipeline.scan().status == 0)
            #expect(try refusal([pipeline.work("scan")]).contains("not headvis-scan-part version"))
            let asScan = try TestSupport.run(
                "stage-metrics", ["--scan", parts[0], "--output", pipeline.work("metrics")])
            #expect(asScan.errors.contains("not headvis-scan version"))
        }
    }

    @Test func `a merge does not replace one of its parts, and a cut part is refused`() throws {
        try withPipeline { pipeline in
            let parts = try scanInShards(pipeline, 2)
            let before = try bytes(parts[1])
            let onto = try TestSupport.run(
                "stage-scan", ["merge"] + parts + ["--output", parts[1]])
            #expect(onto.errors.contains("is one of the stage's inputs"))
            #expect(try bytes(parts[1]) == before)
            try before.prefix(before.count / 2).write(to: URL(filePath: parts[1]))
            let cut = try merge(pipeline, parts)
            #expect(cut.status > 0 && cut.errors.contains(parts[1]), "\(cut.errors)")
            #expect(!FileManager.default.fileExists(atPath: pipeline.work("merged")))
        }
    }
}
