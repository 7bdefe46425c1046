// SPDX-License-Identifier: Apache-2.0
// A residual vector as features, a bias and what the dictionary misses.

/// One residual vector x of a model, taken apart in its own units: x is the sum over i of
/// activations[i] * scale * decoder[features[i]], plus `bias`, plus `error`, up to rounding.
public struct ResidualDecomposition: Sendable, Equatable {
    /// The features that fire, ascending.
    public let features: [Int32]
    /// Parallel to `features`: the activations as the dictionary reports them, above 0.
    public let activations: [Float]
    /// By how much a unit of the dictionary's space is longer in the residual stream: undoes the
    /// normalisation of the input.
    public let scale: Float
    /// [dModel]: what the dictionary says without any feature, mean and scale of the input included.
    public let bias: [Float]
    /// [dModel]: x minus its reconstruction.
    public let error: [Float]
}
