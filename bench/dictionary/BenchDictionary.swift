// SPDX-License-Identifier: Apache-2.0
// How close the training of a dictionary comes to what the machine's matrix product can do, measured in
// the same run.

import ArgumentParser
import FeatureDictionaries
import Foundation
import Tensors

@main
struct BenchDictionary: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-dictionary",
        abstract: "Times steps of training against sgemm's peak.",
        discussion: """
            Counts the products that must be done, and nothing of selecting, sorting, Adam or \
            keeping unit length: for each token, 2 width features for the encoder, and 2 width k \
            each for reconstruction, the activations' derivatives, and the gradients of encoder and \
            decoder. Peak: products of 1024 x 1024 on every worker, timed before and after. The \
            inputs are sums of random directions.
            """)

    @Option(help: "Width of the residual stream.")
    var dModel = 576

    @Option(help: "Features for each dimension.")
    var featuresPerDimension = 8

    @Option(help: "Features that fire at a token.")
    var k = 32

    @Option(help: "Steps that are timed, after a tenth as many to warm up.")
    var steps = 100

    @Option(help: "Workers.")
    var workers = ProcessInfo.processInfo.activeProcessorCount

    func run() throws {
        var settings = TrainingSettings(features: dModel * featuresPerDimension, k: k)
        settings.workers = workers
        let rows = randomRows(16 * settings.batch)
        let trainer = DictionaryTrainer(
            rows, count: rows.count, weights: Array(repeating: 1, count: rows.count),
            settings: settings)
        for _ in 0..<max(1, steps / 10) { try trainer.makeStep() }
        let before = measuredPeak()
        let start = ContinuousClock.now
        for _ in 0..<steps { try trainer.makeStep() }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let peak = max(before, measuredPeak())
        let tokens = Double(steps * settings.batch)
        let flopsPerToken = 2 * Double(dModel) * Double(settings.features + 4 * k)
        let rate = tokens * flopsPerToken / seconds
        print("kernels \(BLAS.kernels), \(workers) workers, \(settings.features) features, k \(k)")
        print(
            String(
                format:
                    "%.1f steps/s, %.0f tokens/s, %.1f GFLOP/s of %.1f: %.0f%% of sgemm's peak",
                Double(steps) / seconds, tokens / seconds, rate * 1e-9, peak * 1e-9,
                100 * rate / peak))
    }

    /// Rows of which each is the sum of k of twice as many random directions as there are features.
    private func randomRows(_ count: Int) -> PaddedRows {
        var random = RandomStream(seed: 0, purpose: 0)
        let directions = PaddedRows(2 * dModel * featuresPerDimension, dModel: dModel)
        for i in 0..<directions.count * directions.stride {
            directions.base[i] = Float.random(in: -0.05..<0.05, using: &random)
        }
        let rows = PaddedRows(count, dModel: dModel)
        for r in 0..<count {
            for _ in 0..<k {
                let direction = directions[Int.random(in: 0..<directions.count, using: &random)]
                add(direction, to: rows[r], dModel)
            }
        }
        return rows
    }

    /// Floating-point operations a second of square products on all workers.
    private func measuredPeak() -> Double {
        let n = 1024
        let matrices = (0..<workers).map { _ in
            (0..<3).map { _ in
                PaddedRows([Float](repeating: 0.5, count: n * n), dModel: n)
            }
        }
        var best = 0.0
        for _ in 0..<3 {
            let rounds = 8
            let start = ContinuousClock.now
            share(workers, among: workers) { _, worker in
                let m = matrices[worker]
                for _ in 0..<rounds {
                    multiply(
                        n, n, n, m[0].base, n, .asStored, m[1].base, n, .transposed,
                        into: m[2].base, n)
                }
            }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            best = max(best, 2 * Double(n * n * n * rounds * workers) / seconds)
        }
        return best
    }
}
