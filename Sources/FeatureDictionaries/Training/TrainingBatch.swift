// SPDX-License-Identifier: Apache-2.0
// What is known of the tokens of one step, by token and then by feature.

import Tensors

/// The memory of one step, taken once.
///
/// By token: slot r * k + i is the i-th feature that fires at row r. By feature, after
/// `sortByFeature`: entries starts[f]..<starts[f + 1] are where feature f fires, ascending by row.
final class TrainingBatch {
    /// Number of tokens.
    let count: Int
    /// Features that fire at a token, at most.
    let k: Int
    /// The rows of the training data that the batch is made of.
    let tokens: UnsafeMutablePointer<Int32>
    /// [count, dModel].
    let inputs: PaddedRows
    /// [count, dModel]: the derivative of the loss by the reconstruction.
    let errors: PaddedRows
    /// [count]: each token's weighted squared error.
    var losses: UnsafeMutableBufferPointer<Float>
    /// [count]: how many features fire.
    let counts: UnsafeMutablePointer<Int32>
    /// [count, k].
    let features: UnsafeMutablePointer<Int32>
    /// [count, k].
    let activations: UnsafeMutablePointer<Float>
    /// [count, k]: the derivative of the loss by each activation.
    let slopes: UnsafeMutablePointer<Float>

    /// [features + 1].
    let starts: UnsafeMutablePointer<Int32>
    /// Of each entry, the row of the batch, the activation and the slope.
    let entryRows: UnsafeMutablePointer<Int32>
    let entryActivations: UnsafeMutablePointer<Float>
    let entrySlopes: UnsafeMutablePointer<Float>

    private let nFeatures: Int

    init(_ count: Int, _ dModel: Int, _ settings: TrainingSettings) {
        self.count = count
        k = settings.k
        nFeatures = settings.features
        inputs = PaddedRows(count, dModel: dModel)
        errors = PaddedRows(count, dModel: dModel)
        losses = .allocate(capacity: count)
        losses.initialize(repeating: 0)
        tokens = .allocate(capacity: count)
        counts = .allocate(capacity: count)
        features = .allocate(capacity: count * k)
        activations = .allocate(capacity: count * k)
        slopes = .allocate(capacity: count * k)
        starts = .allocate(capacity: nFeatures + 1)
        entryRows = .allocate(capacity: count * k)
        entryActivations = .allocate(capacity: count * k)
        entrySlopes = .allocate(capacity: count * k)
    }

    deinit {
        losses.deallocate()
        for pointer in [tokens, counts, features, starts, entryRows] { pointer.deallocate() }
        for pointer in [activations, slopes, entryActivations, entrySlopes] {
            pointer.deallocate()
        }
    }

    /// Number of chunks that workers share.
    var chunks: Int { (count + DictionaryTrainer.chunk - 1) / DictionaryTrainer.chunk }

    /// The rows of a chunk.
    func rows(ofChunk chunk: Int) -> Range<Int> {
        let first = chunk * DictionaryTrainer.chunk
        return first..<min(first + DictionaryTrainer.chunk, count)
    }

    /// Turns the lists by token into lists by feature: a counting sort.
    func sortByFeature() {
        starts.initialize(repeating: 0, count: nFeatures + 1)
        for r in 0..<count {
            for slot in r * k..<r * k + Int(counts[r]) { starts[Int(features[slot]) + 1] += 1 }
        }
        for f in 0..<nFeatures { starts[f + 1] += starts[f] }
        // Filling moves each start to its end, which is the start of the next.
        for r in 0..<count {
            for slot in r * k..<r * k + Int(counts[r]) {
                let f = Int(features[slot])
                let entry = Int(starts[f])
                starts[f] += 1
                entryRows[entry] = Int32(truncatingIfNeeded: r)
                entryActivations[entry] = activations[slot]
                entrySlopes[entry] = slopes[slot]
            }
        }
        for f in stride(from: nFeatures, to: 0, by: -1) { starts[f] = starts[f - 1] }
        starts[0] = 0
    }
}
