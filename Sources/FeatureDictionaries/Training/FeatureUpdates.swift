// SPDX-License-Identifier: Apache-2.0
// What a step does to the parameters: gradients, Adam and unit length, one feature at a time.

import Foundation
import Synchronization
import Tensors

/// Adam (Kingma and Ba 2015) on the parameters of an autoencoder, with a gradient that is only in
/// registers and in one row of scratch.
///
/// Decoder rows stay on the unit sphere: the gradient's component along the row is taken out, and the
/// row is scaled back to length 1 after the step (Bricken et al. 2023).
final class FeatureUpdates {
    private let encoder: AdamMoments
    private let encoderBias: AdamMoments
    private let decoder: AdamMoments
    private let decoderBias: AdamMoments
    /// [features]: the step in which a feature last fired, -1 at first.
    private(set) var lastFired: [Int32]
    /// For each worker, the gradients of an encoder row and of a decoder row.
    private let scratch: [PaddedRows]

    /// Features that one item of shared work updates.
    private static let featuresPerItem = 32

    init(_ autoencoder: TopKAutoencoder, workers: Int) {
        let (dModel, features) = (autoencoder.dModel, autoencoder.features)
        encoder = AdamMoments(features, dModel: dModel)
        decoder = AdamMoments(features, dModel: dModel)
        encoderBias = AdamMoments(1, dModel: features)
        decoderBias = AdamMoments(1, dModel: dModel)
        lastFired = Array(repeating: -1, count: features)
        scratch = (0..<workers).map { _ in PaddedRows(2, dModel: dModel) }
    }

    /// Updates all parameters. Returns whether they stayed finite.
    func apply(
        _ batch: TrainingBatch, to autoencoder: TopKAutoencoder, step: Int, learningRate: Float,
        workers: Int
    ) -> Bool {
        let rule = AdamRule(step: step, learningRate: learningRate)
        let broken = Atomic(false)
        let features = autoencoder.features
        let items = (features + Self.featuresPerItem - 1) / Self.featuresPerItem
        lastFired.withUnsafeMutableBufferPointer { lastFired in
            // The last item is the decoder's bias.
            share(items + 1, among: workers) { worker, item in
                let scratch = scratch[worker]
                guard item < items else {
                    return updateDecoderBias(batch, autoencoder.decoderBias, rule, scratch)
                }
                let first = item * Self.featuresPerItem
                for f in first..<min(first + Self.featuresPerItem, features)
                where batch.starts[f] < batch.starts[f + 1] {
                    let idle = step - 1 - Int(lastFired[f])
                    lastFired[f] = Int32(truncatingIfNeeded: step)
                    let isFinite = update(
                        f, batch, autoencoder, rule.after(idleSteps: idle), scratch)
                    if !isFinite { broken.store(true, ordering: .relaxed) }
                }
            }
        }
        return !broken.load(ordering: .relaxed)
    }

    /// Updates a feature that fires in the batch.
    private func update(
        _ f: Int, _ batch: TrainingBatch, _ autoencoder: TopKAutoencoder, _ rule: AdamRule,
        _ scratch: PaddedRows
    ) -> Bool {
        let stride = scratch.stride
        let first = Int(batch.starts[f])
        let count = Int(batch.starts[f + 1]) - first
        let entries = batch.entryRows + first
        let slopes = batch.entrySlopes + first

        // dL/dW_enc[f] = sum of slope * x, dL/dW_dec[f] = sum of activation * dL/dx̂.
        let (encoderGradient, decoderGradient) = (scratch[0], scratch[1])
        encoderGradient.update(repeating: 0, count: stride)
        decoderGradient.update(repeating: 0, count: stride)
        addRows(
            ChosenRows(indices: entries, coefficients: slopes, count: count),
            of: batch.inputs.base, stride: stride, to: encoderGradient)
        addRows(
            ChosenRows(
                indices: entries, coefficients: batch.entryActivations + first, count: count),
            of: batch.errors.base, stride: stride, to: decoderGradient)

        let direction = autoencoder.decoder[f]
        removeComponent(along: direction, from: decoderGradient, stride)
        let square = rule.update(direction, decoder, row: f, decoderGradient)
        scale(direction, by: 1 / square.squareRoot(), stride)
        let encoderSquare = rule.update(autoencoder.encoder[f], encoder, row: f, encoderGradient)
        var slope: Float = 0
        for i in 0..<count { slope += slopes[i] }
        rule.update(&autoencoder.encoderBias.base[f], encoderBias, f, slope)
        return square.isFinite && square > 0 && encoderSquare.isFinite
    }

    /// dL/db_dec = sum of dL/dx̂.
    private func updateDecoderBias(
        _ batch: TrainingBatch, _ bias: PaddedRows, _ rule: AdamRule, _ scratch: PaddedRows
    ) {
        scratch[0].update(repeating: 0, count: scratch.stride)
        for r in 0..<batch.count { add(batch.errors[r], to: scratch[0], scratch.stride) }
        _ = rule.after(idleSteps: 0).update(bias.base, decoderBias, row: 0, scratch[0])
    }
}

/// vector -= (vector · direction) direction, for a direction of unit length.
private func removeComponent(
    along direction: UnsafePointer<Float>, from vector: UnsafeMutablePointer<Float>, _ count: Int
) {
    let component = Lanes(repeating: -dot(direction, vector, count))
    for j in stride(from: 0, to: count, by: laneCount) {
        vector.store(
            vector.lanes(at: j).addingProduct(component, direction.lanes(at: j)), at: j)
    }
}

/// The running means of gradients and of their squares.
final class AdamMoments {
    let mean: PaddedRows
    let square: PaddedRows

    init(_ count: Int, dModel: Int) {
        mean = PaddedRows(count, dModel: dModel)
        square = PaddedRows(count, dModel: dModel)
    }
}

/// Adam's formulas in one step.
struct AdamRule {
    static let beta1: Float = 0.9
    static let beta2: Float = 0.999
    /// Small against the gradients of anything that fires.
    static let epsilon: Float = 1e-10

    private let stepSize: Float
    /// What is left of the moments' past: beta1 and beta2, to the power of the steps since.
    private var keptMean = beta1
    private var keptSquare = beta2

    /// - Parameter step: from 0.
    init(step: Int, learningRate: Float) {
        let t = Float(step + 1)
        stepSize =
            learningRate * (1 - pow(Self.beta2, t)).squareRoot() / (1 - pow(Self.beta1, t))
    }

    /// The rule for a parameter whose gradient was 0 in the steps before this one.
    func after(idleSteps: Int) -> AdamRule {
        guard idleSteps > 0 else { return self }
        var rule = self
        rule.keptMean *= pow(Self.beta1, Float(idleSteps))
        rule.keptSquare *= pow(Self.beta2, Float(idleSteps))
        return rule
    }

    /// Updates a row of parameters; returns the sum of their squares.
    func update(
        _ parameters: UnsafeMutablePointer<Float>, _ moments: AdamMoments, row: Int,
        _ gradient: UnsafePointer<Float>
    ) -> Float {
        let (mean, square) = (moments.mean[row], moments.square[row])
        var squares = Lanes()
        for j in stride(from: 0, to: moments.mean.stride, by: laneCount) {
            let g = gradient.lanes(at: j)
            let m = (g * (1 - Self.beta1)).addingProduct(
                mean.lanes(at: j), Lanes(repeating: keptMean))
            let v = (g * g * (1 - Self.beta2)).addingProduct(
                square.lanes(at: j), Lanes(repeating: keptSquare))
            mean.store(m, at: j)
            square.store(v, at: j)
            let p = parameters.lanes(at: j) - m * stepSize / (v.squareRoot() + Self.epsilon)
            parameters.store(p, at: j)
            squares.addProduct(p, p)
        }
        return squares.laneSum
    }

    /// Updates one parameter, the `index`-th of the only row of `moments`.
    func update(_ parameter: inout Float, _ moments: AdamMoments, _ index: Int, _ gradient: Float) {
        let m = keptMean * moments.mean.base[index] + (1 - Self.beta1) * gradient
        let v = keptSquare * moments.square.base[index] + (1 - Self.beta2) * gradient * gradient
        moments.mean.base[index] = m
        moments.square.base[index] = v
        parameter -= stepSize * m / (v.squareRoot() + Self.epsilon)
    }
}
