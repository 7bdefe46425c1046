// SPDX-License-Identifier: Apache-2.0
// Stages on work files with wrong numbers in them: they succeed, or say in one sentence which file is wrong.

import Foundation
import TestSupport
import Testing
import Transformer
import WorkFiles

@Suite(.serialized) struct MutationTests {
    /// How many files of each kind; more can be asked for by hand.
    private static let mutants =
        ProcessInfo.processInfo.environment["HEADVIS_MUTANTS"].flatMap { Int($0) } ?? 24

    /// All that stage-emit reads.
    private static let kinds = [
        "scan", "metrics", "sample", "project", "weights", "writes", "map", "probe", "lab",
    ]

    /// A stage and its arguments.
    private typealias Run = (program: String, arguments: [String])

    private func emit(_ pipeline: Pipeline, _ data: String) -> Run {
        (
            "stage-emit",
            Self.kinds.flatMap { ["--\($0)", pipeline.work($0)] } + ["--data", data]
        )
    }

    /// The stages that read a work file.
    private func readers(of kind: String, _ pipeline: Pipeline) -> [Run] {
        let data = pipeline.folder.appending(path: "mutant").path
        guard kind == "scan" else { return [emit(pipeline, data)] }
        func run(_ stage: String, _ options: [String]) -> Run {
            (
                "stage-\(stage)",
                options + ["--scan", pipeline.work("scan"), "--output", pipeline.work("x")]
            )
        }
        return [
            run("metrics", []), run("sample", []),
            run("project", ["--pca-only", "--points", "50"]),
            run("writes", ["--model", pipeline.model]), run("map", []), emit(pipeline, data),
        ]
    }

    /// One file of each kind.
    private func makeAll(_ pipeline: Pipeline) throws {
        #expect(try pipeline.scan().status == 0)
        try pipeline.finish()
        try pipeline.succeed(
            "stage-map", ["--scan", pipeline.work("scan"), "--output", pipeline.work("map")])
        try pipeline.succeed(
            "stage-probe",
            [
                "--model", pipeline.model, "--length", "20", "--sequences", "4", "--output",
                pipeline.work("probe"),
            ])
        let questions = pipeline.folder.appending(path: "questions.jsonl")
        let question =
            #"{"question": "sweep", "layer": 1, "head": 0, "prompt": "cat {cat|sun}", "query": "{}", "key": 1}"#
        try Data(question.utf8).write(to: questions)
        try pipeline.succeed(
            "stage-lab",
            [
                "--model", pipeline.model, "--questions", questions.path, "--no-bos", "--output",
                pipeline.work("lab"),
            ])
    }

    @Test(arguments: kinds)
    func `wrong numbers end in success or a sentence`(kind: String) throws {
        try withPipeline { pipeline in
            try makeAll(pipeline)
            let path = pipeline.work(kind)
            let sound = try Data(contentsOf: URL(filePath: path))
            let mutator = try WorkFileMutator(path)
            var random = SplitMix(state: 12)
            var refused = 0
            for i in 0..<Self.mutants {
                try sound.write(to: URL(filePath: path))
                let told = try mutator.mutate(path, &random)
                for (program, arguments) in readers(of: kind, pipeline) {
                    let result = try TestSupport.run(program, arguments)
                    #expect(
                        result.status >= 0, "\(kind) \(i), \(told): \(program) \(result.errors)")
                    guard result.status != 0 else { continue }
                    refused += 1
                    let sentence = result.errors.split(separator: "\n").last ?? ""
                    #expect(
                        sentence.hasSuffix(".") && sentence.hasPrefix("Error: "),
                        "\(told): \(program) \(result.errors)")
                }
            }
            #expect(refused >= Self.mutants / 10)
        }
    }

    @Test func `shards with wrong numbers end in success or a sentence`() throws {
        try withPipeline { pipeline in
            let parts = [pipeline.work("1"), pipeline.work("2")]
            for (i, part) in parts.enumerated() {
                #expect(try pipeline.scan(["--shard", "\(i + 1)/2", "--output", part]).status == 0)
            }
            let sound = try parts.map { try Data(contentsOf: URL(filePath: $0)) }
            var random = SplitMix(state: 13)
            var refused = 0
            for i in 0..<2 * Self.mutants {
                let part = i % 2
                for (path, data) in zip(parts, sound) { try data.write(to: URL(filePath: path)) }
                let told = try WorkFileMutator(parts[part]).mutate(parts[part], &random)
                let result = try TestSupport.run(
                    "stage-scan", ["merge"] + parts + ["--output", pipeline.work("whole")])
                #expect(result.status >= 0, "part \(part), \(told): \(result.errors)")
                refused += result.status == 0 ? 0 : 1
            }
            #expect(refused >= Self.mutants / 10)
        }
    }

    @Test func `evidence with wrong numbers is read or refused`() throws {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "features-L0.h5").path
            var writer = FeaturesWriter()
            for i in 0..<5 {
                let snippet = FeatureRecord.Snippet(
                    sequence: i, position: 2, interval: 10, start: 0, tokens: [1, 2, 3],
                    activations: [0, 1, 2])
                writer.append(
                    FeatureRecord(
                        count: 3, beginnings: 1, maxActivation: 2, meanActivation: 1,
                        topTokens: [1, 2], snippets: [snippet, snippet]))
            }
            try writer.write(
                to: path, provenance: Provenance(), layer: 0, tokens: 9, display: { "t\($0)" })
            let sound = try Data(contentsOf: URL(filePath: path))
            let mutator = try WorkFileMutator(path)
            var random = SplitMix(state: 14)
            var refused = 0
            for _ in 0..<20 * Self.mutants {
                try sound.write(to: URL(filePath: path))
                let told = try mutator.mutate(path, &random)
                do {
                    let file = try FeaturesFile(path)
                    for feature in 0..<5 {
                        _ = try file.summary(of: feature).description
                        _ = try file.snippets(of: feature)
                    }
                } catch {
                    refused += 1
                    #expect("\(error)".contains(path), "\(told): \(error)")
                }
            }
            #expect(refused > Self.mutants)
        }
    }
}
