// SPDX-License-Identifier: Apache-2.0
// A TopK autoencoder and a step of its training, slow and obvious, in Float64.

import FeatureDictionaries
import Foundation

/// Full gradients of all parameters in memory, then Adam on those features that fire.
struct ReferenceStep {
    typealias Matrix = [[Double]]
    let dModel: Int
    let features: Int
    let settings: TrainingSettings
    var encoder: Matrix
    var decoder: Matrix
    var encoderBias: [Double]
    var decoderBias: [Double]
    var loss = 0.0
    // Moments, mean and square, of each.
    private var encoderMoments: (Matrix, Matrix)
    private var decoderMoments: (Matrix, Matrix)
    private var encoderBiasMoments: ([Double], [Double])
    private var decoderBiasMoments: ([Double], [Double])

    init(_ autoencoder: TopKAutoencoder, _ settings: TrainingSettings) {
        dModel = autoencoder.dModel
        features = autoencoder.features
        self.settings = settings
        encoder = Self.matrix(autoencoder.encoder)
        decoder = Self.matrix(autoencoder.decoder)
        encoderBias = Self.matrix(autoencoder.encoderBias)[0]
        decoderBias = Self.matrix(autoencoder.decoderBias)[0]
        let zeros = Array(repeating: [Double](repeating: 0, count: dModel), count: features)
        let row = [Double](repeating: 0, count: features)
        encoderMoments = (zeros, zeros)
        decoderMoments = (zeros, zeros)
        encoderBiasMoments = (row, row)
        decoderBiasMoments = (zeros[0], zeros[0])
    }

    private static func matrix(_ rows: PaddedRows) -> Matrix {
        (0..<rows.count).map { r in (0..<rows.dModel).map { Double(rows[r][$0]) } }
    }

    func preActivations(_ x: UnsafeMutablePointer<Float>) -> [Double] {
        (0..<features).map { f in
            (0..<dModel).reduce(encoderBias[f]) { $0 + Double(x[$1]) * encoder[f][$1] }
        }
    }

    func encode(_ x: UnsafeMutablePointer<Float>) -> [(feature: Int, activation: Double)] {
        preActivations(x).enumerated().sorted { $0.element > $1.element }
            .prefix(settings.k).filter { $0.element > 0 }.map { ($0.offset, $0.element) }
    }

    func decode(_ codes: [(feature: Int, activation: Double)]) -> [Double] {
        (0..<dModel).map { i in
            codes.reduce(decoderBias[i]) { $0 + $1.activation * decoder[$1.feature][i] }
        }
    }

    /// One step on all rows as one batch.
    mutating func step(_ rows: PaddedRows, _ weights: [Float], t: Int, rate: Double) {
        var gE = Array(repeating: [Double](repeating: 0, count: dModel), count: features)
        var gD = gE
        var gb = [Double](repeating: 0, count: features)
        var gd = [Double](repeating: 0, count: dModel)
        var fires = Array(repeating: false, count: features)
        loss = 0
        for r in 0..<rows.count {
            let codes = encode(rows[r])
            let error = zip(decode(codes), 0..<dModel).map { $0 - Double(rows[r][$1]) }
            let weight = Double(weights[r]) / Double(rows.count)
            loss += weight * error.reduce(0) { $0 + $1 * $1 }
            let derivative = error.map { 2 * weight * $0 }
            for i in 0..<dModel { gd[i] += derivative[i] }
            for (f, activation) in codes {
                fires[f] = true
                let slope = zip(derivative, decoder[f]).reduce(0) { $0 + $1.0 * $1.1 }
                gb[f] += slope
                for i in 0..<dModel {
                    gE[f][i] += slope * Double(rows[r][i])
                    gD[f][i] += activation * derivative[i]
                }
            }
        }
        func adam(
            _ p: inout Double, _ m: inout Double, _ v: inout Double, _ g: Double, moves: Bool
        ) {
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g * g
            guard moves else { return }
            let (mHat, vHat) = (m / (1 - pow(0.9, Double(t))), v / (1 - pow(0.999, Double(t))))
            p -= rate * mHat / (vHat.squareRoot() + 1e-10)
        }
        for f in 0..<features {
            let along = zip(gD[f], decoder[f]).reduce(0) { $0 + $1.0 * $1.1 }
            for i in 0..<dModel {
                adam(
                    &encoder[f][i], &encoderMoments.0[f][i], &encoderMoments.1[f][i], gE[f][i],
                    moves: fires[f])
                // A feature that does not fire has no gradient, so its moments only decay.
                adam(
                    &decoder[f][i], &decoderMoments.0[f][i], &decoderMoments.1[f][i],
                    gD[f][i] - along * decoder[f][i], moves: fires[f])
            }
            adam(
                &encoderBias[f], &encoderBiasMoments.0[f], &encoderBiasMoments.1[f], gb[f],
                moves: fires[f])
            let length = decoder[f].reduce(0) { $0 + $1 * $1 }.squareRoot()
            for i in 0..<dModel { decoder[f][i] /= length }
        }
        for i in 0..<dModel {
            adam(
                &decoderBias[i], &decoderBiasMoments.0[i], &decoderBiasMoments.1[i], gd[i],
                moves: true)
        }
    }

    /// The largest difference of any parameter.
    func distance(to autoencoder: TopKAutoencoder) -> Double {
        func worst(_ a: Matrix, _ b: PaddedRows) -> Double {
            zip(a.joined(), Self.matrix(b).joined()).map { abs($0 - $1) }.max() ?? .infinity
        }
        return max(
            worst(encoder, autoencoder.encoder), worst(decoder, autoencoder.decoder),
            worst([encoderBias], autoencoder.encoderBias),
            worst([decoderBias], autoencoder.decoderBias))
    }
}
