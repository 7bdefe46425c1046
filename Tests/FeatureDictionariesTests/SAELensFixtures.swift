// SPDX-License-Identifier: Apache-2.0
// The dictionaries that SAELens saved, and copies of them with something changed.

import Checkpoints
import FeatureDictionaries
import Foundation
import TestSupport

/// Tests/Fixtures/dictionaries: [7, 16] residual vectors for dictionaries of 40 features.
enum SAELensFixtures {
    static let dModel = 16
    static let layers = 4

    /// Every fixture, and the layer whose input it reads.
    static let all: [(name: String, layer: Int)] = [
        ("standard", 2), ("standard-raw", 3), ("standard-constant-norm", 3), ("standard-bf16", 2),
        ("topk", 2), ("topk-rescaled", 2), ("topk-rescaled-layer-norm", 3), ("topk-raw", 3),
        ("topk-wide", 2), ("topk-f16", 2), ("jumprelu", 2), ("jumprelu-raw-layer-norm", 3),
        ("jumprelu-constant-norm", 2), ("gated", 2), ("gated-raw", 2), ("gated-layer-norm", 2),
        ("old-standard", 2), ("old-topk", 3), ("old-gated", 2), ("centred", 2),
    ]

    static func folder(_ name: String) -> URL { Fixtures.url("dictionaries/\(name)") }

    static func load(_ name: String) throws -> FeatureDictionary {
        try FeatureDictionary(contentsOf: folder(name), dModel: dModel, layers: layers)
    }

    /// What SAELens computes with a fixture.
    struct Expected {
        let x: [Float]
        let activations: [Float]
        let reconstruction: [Float]

        init(_ name: String) throws {
            let file = try Checkpoint(
                opening: SAELensFixtures.folder(name).appending(path: "expected.safetensors"))
            x = try file.tensor("x", shape: [7, 16]).widened()
            activations = try file.tensor("activations", shape: [7, 40]).widened()
            reconstruction = try file.tensor("reconstruction", shape: [7, 16]).widened()
        }
    }

    /// Copies a fixture to `copy`, with changes to its cfg.json: null takes a key away.
    static func copy(
        _ name: String, to copy: URL, changing changes: [String: Any] = [:]
    ) throws {
        try FileManager.default.copyItem(at: folder(name), to: copy)
        let file = copy.appending(path: "cfg.json")
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
        var keys = json as? [String: Any] ?? [:]
        for (key, value) in changes { keys[key] = value is NSNull ? nil : value }
        try JSONSerialization.data(withJSONObject: keys).write(to: file)
    }
}

/// The codes of one vector after another, as one dense [rows, count].
func dense(_ codes: SparseCodes, count: Int) -> [Float] {
    var result = [Float](repeating: 0, count: codes.rows * count)
    for row in 0..<codes.rows {
        for i in codes.range(of: row) {
            result[row * count + Int(codes.features[i])] = codes.activations[i]
        }
    }
    return result
}

/// The largest difference, relative to the largest expected value.
func relativeError(_ values: [Float], _ expected: [Float]) -> Float {
    guard values.count == expected.count else { return .infinity }
    let scale = expected.map(abs).max() ?? 0
    return zip(values, expected).reduce(0) { max($0, abs($1.0 - $1.1)) } / max(scale, 1e-30)
}

extension FeatureEncoder {
    /// The codes of all rows of `x`, `pieces` rows at a time.
    func codes(of x: [Float], pieces: Int = .max) -> SparseCodes {
        var codes = SparseCodes()
        let rows = x.count / dictionary.dModel
        x.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            var row = 0
            while row < rows {
                let height = min(pieces, rows - row)
                encode(start + row * dictionary.dModel, rows: height, into: &codes)
                row += height
            }
        }
        return codes
    }
}
