// SPDX-License-Identifier: Apache-2.0
// How close the scan comes to what the machine's matrix product can do, measured in the same run.

import ArgumentParser
import AttentionStats
import Foundation
import Tensors
import Transformer

@main
struct BenchScan: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-scan",
        abstract: "Times the scan's forward pass with all statistics against sgemm's peak.",
        discussion: """
            Counts only the floating-point work that must be done: the weight products, and of the \
            attention products the visible half. Peak: products of 1024 x 1024 on every worker, \
            timed before and after each measurement.
            """)

    @Option(help: "A model folder or .gguf file.")
    var model: String

    @Option(parsing: .upToNextOption, help: "Layer selections to measure: numbers, or all.")
    var layers = ["all", "5 8"]

    @Option(help: "Tokens in a sequence.")
    var seqLen = 256

    @Option(help: "Sequences in a batch, and batches.")
    var sequences = 64

    @Option(help: "Batches to run; the first warms up.")
    var batches = 2

    @Option(help: "What the products of weights are computed in: float32 or bf16.")
    var precision = Precision.float32

    @Option(help: "Workers.")
    var workers = ProcessInfo.processInfo.activeProcessorCount

    func run() throws {
        let model = try Model(opening: URL(filePath: model))
        print("kernels \(BLAS.kernels), \(workers) workers, \(seqLen) tokens a sequence")
        for layers in layers {
            let numbers =
                layers == "all"
                ? Array(0..<model.description.nLayers)
                : layers.split(separator: Character(" ")).compactMap { Int($0) }
            try measure(model, layers: numbers, title: layers)
        }
    }

    private func measure(_ model: Model, layers: [Int], title: String) throws {
        let d = model.description
        let selection = HeadSelection(
            layers.flatMap { l in (0..<d.nHeads).map { HeadAddress(layer: l, head: $0) } })
        let pass = try ForwardPass(
            model, selection: selection, maxLength: seqLen, workers: workers, precision: precision)
        var plan = ScanPlan(edgesPerSequence: 20, edgeRanking: .attention)
        plan.outputGrams = try model.outputGrams(selection)
        let visitors = (0..<workers).map { _ in ScanVisitor(plan, maxLength: seqLen) }
        let batch = (0..<sequences).map { s in
            ScanSequence(
                id: s, tokens: randomTokens(s, vocabulary: d.dVocab)[...], isInPool: true)
        }
        var seconds = Double.infinity
        var peak = 0.0
        for _ in 0..<batches {
            peak = max(peak, measuredPeak())
            let results = BatchResults(sequences: sequences, heads: selection.heads.count)
            for visitor in visitors { visitor.begin(batch, into: results) { _, _, _ in true } }
            let start = ContinuousClock.now
            try pass.run(batch.map { $0.tokens }, visitors: visitors)
            seconds = min(seconds, (ContinuousClock.now - start) / .seconds(1))
        }
        peak = max(peak, measuredPeak())
        let walked = Double(sequences * seqLen)
        let rate = flopsPerToken(d, layers) * walked / seconds
        print(
            String(
                format:
                    "LAYERS=\"%@\": %.0f tokens/s, %.1f GFLOP/s of %.1f: %.0f%% of sgemm's peak",
                title, walked / seconds, rate * 1e-9, peak * 1e-9, 100 * rate / peak))
    }

    /// Pseudo-random ids: the work does not depend on them.
    private func randomTokens(_ sequence: Int, vocabulary: Int) -> [Int32] {
        var state = UInt64(sequence + 1)
        return (0..<seqLen).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int32((state >> 33) % UInt64(vocabulary))
        }
    }

    private func flopsPerToken(_ d: ModelDescription, _ layers: [Int]) -> Double {
        let last = layers.max() ?? 0
        let visible = Double(seqLen + 1) / 2
        // q·k, and as much for attention times v.
        let scores = 2 * Double(d.nHeads * d.dHead) * visible
        let whole = (0..<last).reduce(0) { $0 + d.flopsPerToken(of: $1) + 2 * scores }
        return whole + 2 * Double(d.dModel * d.shape(of: last).qkvWidth) + 2 * scores
    }

    /// Floating-point operations a second of square products on all workers.
    private func measuredPeak() -> Double {
        let n = 1024
        let matrices = (0..<workers).map { _ in
            (0..<3).map { _ in UnsafeMutablePointer<Float>.allocate(capacity: n * n) }
        }
        defer { for matrix in matrices.joined() { matrix.deallocate() } }
        for matrix in matrices.joined() { matrix.initialize(repeating: 0.5, count: n * n) }
        var best = 0.0
        for _ in 0..<3 {
            let rounds = 8
            let start = ContinuousClock.now
            share(workers, among: workers) { _, worker in
                let m = matrices[worker]
                for _ in 0..<rounds {
                    multiply(n, n, n, m[0], n, .asStored, m[1], n, .transposed, into: m[2], n)
                }
            }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            best = max(best, 2 * Double(n * n * n * rounds * workers) / seconds)
        }
        return best
    }
}

extension Precision: ExpressibleByArgument {}
