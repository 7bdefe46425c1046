// SPDX-License-Identifier: Apache-2.0
// Runs a model on one sequence and compares every intermediate with a reference file.

import Foundation
import HDF5
import Tensors
import Testing
import Transformer

/// The largest differences allowed; a wrong GELU already moves attention by 2e-4.
private let tolerances: [(name: String, tolerance: Double)] = [
    ("attention", 1e-5), ("scores", 2e-4), ("q", 1e-4), ("k", 1e-4), ("v", 1e-4), ("z", 1e-4),
    ("resid_pre", 2e-4), ("attn_input", 1e-4),
]

/// Compares everything that the expected file holds.
///
/// - Parameters:
///   - looseness: multiplies the tolerances, for weights that were rounded.
///   - omitted: datasets that are left out.
func expect(
    _ model: Model, matches expected: URL, looseness: Double = 1, omitting omitted: Set<String> = []
) throws {
    let file = try H5File.open(expected.path)
    let ids: [Int32] = try file.read("input_ids")
    let run = try record(model, ids)
    for layer in try file.members(of: "layers") {
        let got = try #require(run.layers[Int(layer) ?? -1])
        let values = [
            got.attention, got.scores, got.q, got.k, got.v, got.z, got.residual,
            got.attentionInput,
        ]
        if try file.exists("layers/\(layer)/z_gated") {
            let gated: [Float] = try file.read("layers/\(layer)/z_gated")
            #expect(difference(got.gatedZ, gated) < 1e-4 * looseness)
        }
        for (values, check) in zip(values, tolerances) {
            let path = "layers/\(layer)/\(check.name)"
            guard try file.exists(path), !omitted.contains(check.name) else { continue }
            let worst = difference(values, try file.read(path))
            #expect(worst < check.tolerance * looseness, "\(path) of \(expected.path)")
        }
    }
    if try file.exists("resid_final") {
        #expect(difference(run.residual, try file.read("resid_final")) < 3e-4 * looseness)
    }
    if try file.exists("logits_last") {
        let last: [Float] = try file.read("logits_last")
        let logits = try #require(run.logits)
        #expect(difference(Array(logits.suffix(last.count)), last) < 5e-4 * looseness)
    }
    if try file.exists("logits"), !omitted.contains("logits") {
        let logits = try #require(run.logits)
        #expect(difference(logits, try file.read("logits")) < 5e-4 * looseness)
    }
}

struct Run {
    var layers: [Int: Recorder.Layer]
    var residual: [Float]
    var logits: [Float]?
}

func record(_ model: Model, _ ids: [Int32], precision: Precision = .float32) throws -> Run {
    let selection = HeadSelection(allOf: model.description)
    let recorder = Recorder(model.description, selection: selection)
    let pass = try ForwardPass(
        model, selection: selection, maxLength: ids.count, workers: 1, precision: precision,
        stopsAtAttention: false)
    try pass.run([ids[...]], visitors: [recorder])
    let residual = pass.residual(of: 0, length: ids.count)
    return Run(
        layers: recorder.layers, residual: residual,
        logits: try model.logits(residual, length: ids.count))
}

/// The largest absolute difference; infinite when shapes or NaN patterns differ.
func difference(_ got: [Float], _ want: [Float]) -> Double {
    guard got.count == want.count else { return .infinity }
    var worst = 0.0
    for (a, b) in zip(got, want) {
        if a.isNaN != b.isNaN { return .infinity }
        if !a.isNaN { worst = max(worst, Double(abs(a - b))) }
    }
    return worst
}
