// SPDX-License-Identifier: Apache-2.0
// One step of training after the other: what fires at the tokens of a batch, what remains of them, and
// what follows for each feature.

import Tensors
import UserErrors

/// Trains a TopK autoencoder on rows of numbers.
///
/// Only the product of the encoder is dense. Everything else touches, for each token, the k features
/// that fire: reconstruction and error token by token, gradients and the step of Adam feature by
/// feature, each feature's by one worker, with no gradient in memory and nothing to be merged. A
/// feature that fires at no token of a batch is left alone, its moments decaying as they would have.
///
/// With weights w of the tokens, error e = x̂ - x and n tokens, the loss is sum of w |e|² / n.
public final class DictionaryTrainer {
    /// What is trained.
    public let autoencoder: TopKAutoencoder
    /// What can be chosen.
    public let settings: TrainingSettings

    /// Rows that are encoded by one matrix product: enough for most of the speed of sgemm, few enough
    /// to share a batch among workers.
    static let chunk = 256

    private let rows: PaddedRows
    private let weights: [Float]
    private var order: TrainingOrder
    private let batch: TrainingBatch
    private var encoders: [RowEncoder] = []
    private var updates: FeatureUpdates
    /// The steps that were made.
    public private(set) var step = 0
    /// The loss of the last batch.
    public private(set) var loss: Float = 0

    /// A trainer with an initial dictionary.
    ///
    /// - Parameters:
    ///   - rows: what to reconstruct, around 0 and of moderate size.
    ///   - count: how many of them to train on; those behind are never looked at.
    ///   - weights: of each of these rows.
    public init(
        _ rows: PaddedRows, count: Int, weights: [Float], settings: TrainingSettings
    ) {
        precondition(count > 0 && count <= rows.count && weights.count >= count)
        BLAS.prepare()
        self.rows = rows
        self.weights = weights
        self.settings = settings
        autoencoder = TopKAutoencoder(
            dModel: rows.dModel, features: settings.features, k: settings.k)
        autoencoder.initialize(from: rows, count: count, seed: settings.seed)
        order = TrainingOrder(count: count, seed: settings.seed)
        batch = TrainingBatch(min(settings.batch, count), rows.dModel, settings)
        encoders = (0..<settings.workers).map { [autoencoder] _ in
            RowEncoder(autoencoder, rows: Self.chunk)
        }
        updates = FeatureUpdates(autoencoder, workers: settings.workers)
    }

    /// Makes one step.
    ///
    /// - Throws: when numbers are no longer finite.
    public func makeStep() throws {
        order.next(into: batch.tokens, batch.count)
        share(batch.chunks, among: settings.workers) { worker, chunk in
            reconstruct(batch.rows(ofChunk: chunk), encoders[worker])
        }
        loss = batch.losses.reduce(0, +) / Float(batch.count)
        batch.sortByFeature()
        let isFinite = updates.apply(
            batch, to: autoencoder, step: step, learningRate: settings.learningRate(at: step),
            workers: settings.workers)
        guard isFinite, loss.isFinite else {
            throw UserError(
                "--learning-rate \(settings.learningRate): training left the range of Float32 at step \(step); lower it."
            )
        }
        step += 1
    }

    /// Encodes and decodes some rows of the batch and derives the loss by their reconstruction.
    private func reconstruct(_ range: Range<Int>, _ encoder: RowEncoder) {
        let (k, dModel) = (settings.k, batch.inputs.stride)
        for r in range {
            batch.inputs[r].update(from: rows[Int(batch.tokens[r])], count: dModel)
        }
        encoder.encode(
            batch.inputs[range.lowerBound], count: range.count,
            features: batch.features + range.lowerBound * k,
            activations: batch.activations + range.lowerBound * k,
            counts: batch.counts + range.lowerBound)
        for r in range {
            let error = batch.errors[r]
            let firing = ChosenRows(
                indices: batch.features + r * k, coefficients: batch.activations + r * k,
                count: Int(batch.counts[r]))
            decode(firing, autoencoder, into: error)
            subtract(batch.inputs[r], from: error, dModel)
            let weight = weights[Int(batch.tokens[r])]
            batch.losses[r] = weight * dot(error, error, dModel)
            scale(error, by: 2 * weight / Float(batch.count), dModel)
            dotRows(
                firing.indices, firing.count, of: autoencoder.decoder.base, stride: dModel,
                with: error, into: batch.slopes + r * k)
        }
    }
}

/// x̂ = a W_dec + b_dec of one token.
func decode(
    _ firing: ChosenRows, _ autoencoder: TopKAutoencoder,
    into reconstruction: UnsafeMutablePointer<Float>
) {
    let decoder = autoencoder.decoder
    reconstruction.update(from: autoencoder.decoderBias.base, count: decoder.stride)
    addRows(firing, of: decoder.base, stride: decoder.stride, to: reconstruction)
}

/// y -= x, of a length that is a multiple of `laneCount`.
func subtract(_ x: UnsafePointer<Float>, from y: UnsafeMutablePointer<Float>, _ count: Int) {
    for j in stride(from: 0, to: count, by: laneCount) {
        y.store(y.lanes(at: j) - x.lanes(at: j), at: j)
    }
}

/// x *= factor, of a length that is a multiple of `laneCount`.
func scale(_ x: UnsafeMutablePointer<Float>, by factor: Float, _ count: Int) {
    for j in stride(from: 0, to: count, by: laneCount) { x.store(x.lanes(at: j) * factor, at: j) }
}
