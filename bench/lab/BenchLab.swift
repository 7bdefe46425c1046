// SPDX-License-Identifier: Apache-2.0
// How long questions about a head take when the model is warm.

import ArgumentParser
import Foundation
import Lab
import Stages
import Tensors
import UserErrors

@main
struct BenchLab: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-lab",
        abstract:
            "Times questions about one head: rank, sources, writes, a sweep, and a test of many prompts."
    )

    @Option(help: "The model.")
    var model: String

    @Option(help: "The layer of the head.")
    var layer = 17

    @Option(help: "The head within it.")
    var head = 5

    @Option(help: "Prompts of the test.")
    var prompts = 1000

    @Option(help: "Runs of each question, of which the fastest is told.")
    var runs = 3

    @OptionGroup var workers: WorkerArguments

    func run() throws {
        BLAS.prepare()
        let lab = Laboratory(
            try LoadedModel(opening: model), bos: nil, workers: workers.count,
            dictionaries: { throw UserError("bench-lab has no dictionary of layer \($0).") },
            sequences: { throw UserError("bench-lab has no sequence \($0).") })
        let text = String(repeating: "The cat sat on the mat, and the dog saw it. ", count: 6)
        let words = lab.tokens(of: text).prefix(63).joined()
        let about = #""layer": \#(layer), "head": \#(head)"#
        try time(
            "rank all heads, 64 tokens",
            #"{"question": "rank", "prompt": "\#(words)", "queries": [-1], "keys": [20]}"#, lab)
        try time(
            "sources, 64 tokens",
            #"{"question": "sources", \#(about), "prompt": "\#(words)", "query": -1, "key": 20}"#,
            lab)
        try time(
            "writes, 64 tokens",
            #"{"question": "writes", \#(about), "prompt": "\#(words)", "query": -1}"#, lab)
        try time(
            "sweep of 50 values",
            #"{"question": "sweep", \#(about), "prompt": "It happened in {1000..1980:20}, and then the war in", "query": -1, "key": "{}"}"#,
            lab)
        try time("test of \(prompts) prompts of 20 tokens", test(about), lab, runs: 1)
    }

    /// Prompts of 20 tokens that differ in one.
    private func test(_ about: String) -> String {
        let items = (0..<prompts).map { i in
            #"{"text": "The first of the \#(i % 10) men went home and the other of the men went to a","#
                + #" "query": -1, "a": 3, "b": 5}"#
        }
        return
            #"{"question": "test", \#(about), "prompts": [\#(items.joined(separator: ", "))]}"#
    }

    private func time(
        _ name: String, _ json: String, _ lab: Laboratory, runs: Int? = nil
    ) throws {
        let question = try Question(json: Array(json.utf8))
        _ = runs == 1 ? [] : try question.answer(in: lab)
        var best = Double.infinity
        for _ in 0..<(runs ?? self.runs) {
            let start = ContinuousClock.now
            _ = try question.answer(in: lab)
            best = min(best, (ContinuousClock.now - start) / .seconds(1))
        }
        print("\(name): \(String(format: "%.2f", best)) s")
    }
}
