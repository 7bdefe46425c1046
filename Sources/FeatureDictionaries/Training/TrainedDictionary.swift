// SPDX-License-Identifier: Apache-2.0
// A trained autoencoder in the units of the residual stream.

import Tensors

/// The parameters of a TopK dictionary for residual vectors as the model computes them:
///
///     a = TopK(ReLU((x - b_dec) W_enc + b_enc)),    x̂ = a W_dec + b_dec
public struct TrainedDictionary: Sendable {
    /// Width of the residual stream (d_in).
    public let dModel: Int
    /// Number of features (d_sae).
    public let dSAE: Int
    /// Features that fire at a token, at most.
    public let k: Int
    /// [dSAE, dModel].
    public let encoder: [Float]
    /// [dSAE].
    public let encoderBias: [Float]
    /// [dSAE, dModel], rows of unit length.
    public let decoder: [Float]
    /// [dModel].
    public let decoderBias: [Float]

    /// Folds into the parameters what was done to the vectors before training. With
    /// x' = (x - c) s, pre-activations W x' + b and reconstruction a' D + d, a vector in the model's
    /// units has activations a = a' / s. So D stays, b_dec = c + d / s, and from
    ///
    ///     (W x' + b) / s = W (x - b_dec) + W d / s + b / s
    ///
    /// W stays, and b_enc = (b + W d) / s.
    public init(_ autoencoder: TopKAutoencoder, _ standardization: Standardization) {
        dModel = autoencoder.dModel
        dSAE = autoencoder.features
        k = autoencoder.k
        encoder = autoencoder.encoder.values
        decoder = autoencoder.decoder.values
        let (scale, shift) = (standardization.factor, autoencoder.decoderBias)
        decoderBias = zip(standardization.center, shift.values).map { $0 + $1 / scale }
        encoderBias = (0..<autoencoder.features).map { f in
            let product = dot(autoencoder.encoder[f], shift.base, shift.stride)
            return (autoencoder.encoderBias.base[f] + product) / scale
        }
    }
}
