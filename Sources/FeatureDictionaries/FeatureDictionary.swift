// SPDX-License-Identifier: Apache-2.0
// A sparse dictionary of features of the residual stream that enters one layer.

/// Features f with directions d_f (rows of the decoder), such that a residual vector is nearly
/// sum over f of a_f d_f + b, with few activations a_f above 0.
public struct FeatureDictionary: Sendable {
    /// How activations follow from x W_enc + b_enc.
    public enum Activation: Sendable, Equatable {
        /// The positive ones.
        case relu
        /// The k largest of the positive ones.
        case topK(Int)
        /// Those above a threshold of each feature, `thresholds`.
        case jumpReLU
        /// Bricken et al. / Rajamanoharan et al. 2024: a gate with its own bias decides which fire.
        case gated
    }

    /// The block that the residual stream enters.
    public let layer: Int
    /// Width of the residual stream (d_in).
    public let width: Int
    /// Number of features (d_sae).
    public let count: Int
    public let activation: Activation
    /// [count, width]: row f is the direction that feature f reads.
    public let encoder: [Float]
    /// [count].
    public let encoderBias: [Float]
    /// [count, width]: row f is the direction that feature f stands for.
    public let decoder: [Float]
    /// [width].
    public let decoderBias: [Float]
}
