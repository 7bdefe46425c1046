// SPDX-License-Identifier: Apache-2.0
// A sparse dictionary of features of the residual stream that enters one layer, or of the outputs of its heads.

/// Features f with directions d_f (rows of the decoder), such that a residual vector is nearly
/// sum over f of a_f d_f + b, with few activations a_f above 0.
///
/// A residual vector x of the model is first normalised, z = (x - offset) * gain (`normalization`), then
/// read by the encoder: p = W (z - b) + c with the rows of `encoder` as W, `encoderBias` as c, and
/// `decoderBias` as b if `subtractsDecoderBias` (else 0). Activations follow from p (`activation`). What
/// they say about x again is (sum over f of a_f d_f + decoderBias) * scale + offset.
///
/// `FeatureEncoder` computes all this.
public struct FeatureDictionary: Sendable {
    /// How activations follow from the products p of the encoder.
    public enum Activation: Sendable, Equatable {
        /// The positive ones.
        case relu
        /// The k largest, as far as they are positive; of equal ones the first features.
        case topK(Int)
        /// The positive ones that lie above a threshold of each feature, [dSAE].
        case jumpReLU(thresholds: [Float])
        /// Those features fire where p > 0; their activation is the positive part of
        /// (p - encoderBias) * scale + bias, both [dSAE] (Rajamanoharan et al. 2024, Gated SAEs).
        case gated(scales: [Float], biases: [Float])
    }

    /// The most features a dictionary may have.
    public static let mostFeatures = 1 << 20

    /// The block that the residual stream enters, or whose heads' outputs it is of.
    public let layer: Int
    /// Width of the residual stream, or of the outputs of all heads (d_in).
    public let dModel: Int
    /// Number of features (d_sae).
    public let dSAE: Int
    /// How activations follow from the products of the encoder.
    public let activation: Activation
    /// [dSAE, dModel]: row f is the direction that feature f reads.
    public let encoder: [Float]
    /// [dSAE].
    public let encoderBias: [Float]
    /// [dSAE, dModel]: row f is the direction that feature f stands for.
    public let decoder: [Float]
    /// [dModel].
    public let decoderBias: [Float]
    /// Whether the encoder reads z - decoderBias, or z itself.
    public let subtractsDecoderBias: Bool
    /// What becomes of a residual vector before the encoder reads it.
    public let normalization: InputNormalization

    /// A dictionary of these weights, whose number of features is that of `encoderBias` and whose width
    /// is that of `decoderBias`.
    ///
    /// - Precondition: the sizes fit each other, and there is at least one feature and one dimension.
    public init(
        layer: Int, activation: Activation, encoder: [Float], encoderBias: [Float],
        decoder: [Float], decoderBias: [Float], subtractsDecoderBias: Bool = true,
        normalization: InputNormalization = .none
    ) {
        let dModel = decoderBias.count
        let dSAE = encoderBias.count
        precondition(dModel > 0 && dSAE > 0 && dSAE <= Self.mostFeatures)
        precondition(encoder.count == dSAE * dModel && decoder.count == dSAE * dModel)
        switch activation {
        case .relu: break
        case .topK(let k): precondition(k > 0 && k <= dSAE)
        case .jumpReLU(let thresholds): precondition(thresholds.count == dSAE)
        case .gated(let scales, let biases):
            precondition(scales.count == dSAE && biases.count == dSAE)
        }
        self.layer = layer
        self.dModel = dModel
        self.dSAE = dSAE
        self.activation = activation
        self.encoder = encoder
        self.encoderBias = encoderBias
        self.decoder = decoder
        self.decoderBias = decoderBias
        self.subtractsDecoderBias = subtractsDecoderBias
        self.normalization = normalization
    }
}

extension FeatureDictionary {
    /// What a feature's encoder makes of a vector x, before its activation function, as an affine map of x
    /// with the scale of the input's normalisation held: direction · x + constant.
    ///
    /// - Parameter x: [dModel].
    public func encoderReading(
        of feature: Int, at x: [Float]
    ) -> (direction: [Double], constant: Double) {
        let row = encoder[feature * dModel..<(feature + 1) * dModel].map(Double.init)
        let map = normalization.coefficients(of: x, dModel: dModel)
        // The offset is the mean of x, which is linear in x too.
        let takesMean = normalization.isCentred || normalization.rescaling == .layerNorm
        let mean = takesMean ? row.reduce(0, +) / Double(dModel) : 0
        let subtracted =
            subtractsDecoderBias
            ? zip(row, decoderBias).reduce(0) { $0 + $1.0 * Double($1.1) } : 0
        return (
            row.map { ($0 - mean) * Double(map.gain) }, Double(encoderBias[feature]) - subtracted
        )
    }
}
