// SPDX-License-Identifier: Apache-2.0
// What a model of Llama 7B's shapes takes: resident memory beyond the mapped file, and the time that
// widening its bf16 weights costs.
//
//     swift run -c release bench-memory [--layers 3] [--batch-tokens 4096] [--length 512]
//
// Writes a safetensors file of layers in the real shapes (0.4 GB each) to the temporary folder, runs
// one batch through it with every head of the last layer studied, and reads its own figures from
// /proc/self/status. Layers run one after the other in the same memory, so their number changes the
// mapped file and the time only; of the last one nothing after attention is computed.

import ArgumentParser
import Checkpoints
import Foundation
import Transformer

@main
struct BenchMemory: ParsableCommand {
    @Option(help: "Layers of real shapes.")
    var layers = 3

    @Option(help: "Tokens in the batch.")
    var batchTokens = 4096

    @Option(help: "Tokens in a sequence.")
    var length = 512

    @Option(help: "Sequences at the same time; 0 is one a core.")
    var workers = 0

    func run() throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "headvis-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let shape = LlamaShape(layers: layers)
        try shape.write(to: folder)
        let model = try Model(opening: folder)
        let workers = self.workers > 0 ? self.workers : ProcessInfo.processInfo.activeProcessorCount
        let selection = HeadSelection(
            (0..<shape.heads).map { HeadAddress(layer: layers - 1, head: $0) })
        let pass = try ForwardPass(
            model, selection: selection, maxLength: length, workers: workers)
        let sequences = max(1, batchTokens / length)
        let batch = (0..<sequences).map { s in
            (0..<length).map { Int32((s * 31 + $0 * 7) % shape.vocabulary) }[...]
        }
        let visitors = (0..<workers).map { _ in PlainSoftmax() }
        // Warms the page cache.
        try pass.run(Array(batch.prefix(workers)), visitors: visitors)
        let clock = ContinuousClock()
        let seconds = try clock.measure { try pass.run(batch, visitors: visitors) } / .seconds(1)
        let widening = pass.wideningSeconds
        let peak = try ResidentMemory()
        let tokens = Double(sequences * length)
        print("layers               \(layers) of \(shape.summary)")
        print("batch                \(sequences) sequences of \(length), \(workers) workers")
        print("rate                 \(Int(tokens / seconds)) tokens/s (\(rounded(seconds)) s)")
        print("widening             \(rounded(widening)) s, \(rounded(100 * widening / seconds)) %")
        print("resident, anonymous  \(gibibytes(peak.anonymous))")
        print("resident, mapped     \(gibibytes(peak.mapped))")
        print("peak in all          \(gibibytes(peak.peak))")
    }

    private func rounded(_ value: Double) -> String { String(format: "%.2f", value) }

    private func gibibytes(_ kibibytes: Int) -> String {
        String(format: "%.2f GiB", Double(kibibytes) / 0x1p20)
    }
}

/// Studied heads take the plain softmax: what statistics cost is not asked here.
final class PlainSoftmax: AttentionVisitor {
    func enter(_ layer: LayerView) {}
    func attend(_ block: ScoreBlock) { block.softmax() }
    func finish(_ head: HeadView) {}
    func needsOutput(ofSequence sequence: Int) -> Bool { false }
}
