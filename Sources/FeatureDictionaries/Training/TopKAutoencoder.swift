// SPDX-License-Identifier: Apache-2.0
// The parameters of a TopK sparse autoencoder.
//
// Gao et al. 2024, "Scaling and evaluating sparse autoencoders":
//
//     a = TopK(ReLU(x W_enc + b_enc)),    x̂ = a W_dec + b_dec

import Tensors

/// The parameters of a TopK autoencoder; rows of features in the encoder, too.
public final class TopKAutoencoder: Sendable {
    /// [features, dModel]: the direction that a feature reads.
    public let encoder: PaddedRows
    /// [1, features].
    public let encoderBias: PaddedRows
    /// [features, dModel]: the direction that a feature writes, of unit length.
    public let decoder: PaddedRows
    /// [1, dModel].
    public let decoderBias: PaddedRows
    /// Features that fire at a token, at most.
    public let k: Int

    /// Width of what is encoded (d_in).
    public var dModel: Int { decoder.dModel }
    /// Number of features (d_sae).
    public var features: Int { decoder.count }

    /// All parameters 0, but the bias of the features that only fill up a vector register: it is such
    /// that they never fire.
    public init(dModel: Int, features: Int, k: Int) {
        precondition(k > 0 && k <= features)
        encoder = PaddedRows(features, dModel: dModel)
        decoder = PaddedRows(features, dModel: dModel)
        encoderBias = PaddedRows(1, dModel: features)
        decoderBias = PaddedRows(1, dModel: dModel)
        for f in features..<encoderBias.stride { encoderBias.base[f] = -.infinity }
        self.k = k
    }
}
