// SPDX-License-Identifier: Apache-2.0
// The tensors of a sae_weights.safetensors, checked and widened.

import Checkpoints
import Foundation
import Tensors
import UserErrors

/// A weights file whose tensors have the names and shapes that its architecture asks for.
struct SAELensWeights {
    private let url: URL
    private let checkpoint: Checkpoint
    private let dModel: Int
    private let count: Int

    /// Opens the file and checks all tensors before any is read.
    init(
        _ url: URL, architecture: SAELensArchitecture, dModel: Int, count: Int
    ) throws {
        checkpoint = try Checkpoint(opening: url)
        self.url = url
        self.dModel = dModel
        self.count = count
        var shapes = ["W_enc": [dModel, count], "W_dec": [count, dModel], "b_dec": [dModel]]
        for name in architecture.vectors { shapes[name] = [count] }
        if checkpoint.tensors["log_threshold"] != nil, shapes["threshold"] != nil {
            shapes["threshold"] = nil
            shapes["log_threshold"] = [count]
        }
        for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
            _ = try tensor(name, shape)
        }
        try refuseOthers(than: Set(shapes.keys), architecture)
    }

    /// W_dec and the like, [count, dModel].
    func matrix(_ name: String) throws -> [Float] {
        try finite(tensor(name, [count, dModel]).widened(), name)
    }

    /// W_enc, stored as [dModel, count], as [count, dModel].
    func transposedMatrix(_ name: String) throws -> [Float] {
        let stored = try tensor(name, [dModel, count])
        let size = count * dModel
        let values = [Float](unsafeUninitializedCapacity: size) { buffer, initialized in
            if let destination = buffer.baseAddress {
                stored.widenTransposed(columns: 0..<count, into: destination)
            }
            initialized = size
        }
        return try finite(values, name)
    }

    /// A vector of one value a feature, [count].
    func vector(_ name: String) throws -> [Float] {
        try finite(tensor(name, [count]).widened(), name)
    }

    /// b_dec, [dModel].
    func decoderBias() throws -> [Float] {
        try finite(tensor("b_dec", [dModel]).widened(), "b_dec")
    }

    /// e to the power of a vector, [count].
    func exponentials(_ name: String) throws -> [Float] {
        try finite(vector(name).map { exp($0) }, name)
    }

    /// [count]; some releases stored logarithms.
    func thresholds() throws -> [Float] {
        checkpoint.tensors["log_threshold"] == nil
            ? try vector("threshold") : try exponentials("log_threshold")
    }

    private func tensor(_ name: String, _ shape: [Int]) throws -> StoredTensor {
        try checkpoint.tensor(name, shape: shape)
    }

    /// Tensors that would change the result. Releases before 6.0 stored a factor for each activation,
    /// which is all ones unless the dictionary was fine-tuned.
    private func refuseOthers(
        than expected: Set<String>, _ architecture: SAELensArchitecture
    ) throws {
        for name in checkpoint.tensors.keys.sorted() where !expected.contains(name) {
            if ["scaling_factor", "finetuning_scaling_factor"].contains(name),
                try vector(name).allSatisfy({ abs($0 - 1) < 1e-5 })
            {
                continue
            }
            throw UserError(
                "\(url.path): has the tensor \(name.prefix(80).debugDescription), which a dictionary "
                    + "of architecture \(architecture.rawValue) has no use for; check its cfg.json."
            )
        }
    }

    private func finite(_ values: [Float], _ name: String) throws -> [Float] {
        // x * 0 is 0, and NaN for infinities and NaN.
        let isFinite = values.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return true }
            var lanes = Lanes()
            var i = 0
            while i &+ laneCount <= buffer.count {
                lanes += start.lanes(at: i) * 0
                i &+= laneCount
            }
            return lanes.laneSum == 0 && buffer[i...].allSatisfy(\.isFinite)
        }
        guard isFinite else {
            throw UserError(
                "\(url.path): has values in \(name) that are not finite; save or convert the "
                    + "dictionary again.")
        }
        return values
    }
}
