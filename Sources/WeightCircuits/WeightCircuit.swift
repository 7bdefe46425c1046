// SPDX-License-Identifier: Apache-2.0
// The sides that a head reads with, and the two maps that it is.

/// A reading side of a head.
public enum ReadingSide: String, CaseIterable, Sendable {
    case query = "q"
    case key = "k"
    case value = "v"
}

/// A map of a head from the residual stream to the residual stream, as a product A^T B of two of its matrices.
public enum WeightCircuit: String, CaseIterable, Sendable {
    /// W_Q^T W_K: which key each query looks for.
    case qk
    /// W_V^T W_O: what is written for what is attended to.
    case ov
}
