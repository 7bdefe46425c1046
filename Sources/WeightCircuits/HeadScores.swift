// SPDX-License-Identifier: Apache-2.0
// What weights alone say of a head: whether it copies, whether it matches like with like, and how many
// directions it uses. To add a number, add it to `HeadScores` and `WeightMetric.all`.

import Tensors
import Transformer

/// The numbers of one head.
public struct HeadScores: Sendable {
    /// Nil for a model whose logits are no linear map of its last residual stream.
    public let copying: Double?
    public let matching: Double
    public let ovRank: Double
    public let qkRank: Double

    /// Computes them in Float64.
    public init(_ head: FoldedHead, _ vocabulary: VocabularyProducts) throws {
        let d = head.dModel
        let (dHead, dValue) = (head.key.count / d, head.value.count / d)
        copying = try vocabulary.embeddingsToLogits.map {
            try Self.balance(sandwich(head.value, $0, head.output, d), order: dValue)
        }
        matching = try Self.balance(
            sandwich(head.key, vocabulary.embeddings, head.query, d), order: dHead)
        ovRank = Self.rank(gram(head.value, d), gram(head.output, d), order: dValue)
        qkRank = Self.rank(gram(head.query, d), gram(head.key, d), order: dHead)
    }

    /// Sum of the real parts of the eigenvalues over the sum of their moduli; 0 of a matrix of zeros.
    private static func balance(_ matrix: [Double], order: Int) throws -> Double {
        var (real, moduli) = (0.0, 0.0)
        for value in try eigenvalues(of: matrix, order: order) {
            real += value.real
            moduli += (value.real * value.real + value.imaginary * value.imaginary).squareRoot()
        }
        return moduli > 0 ? real / moduli : 0
    }

    /// Participation ratio (Σ s²)² / Σ s⁴ of the singular values of A^T B, from A A^T and B B^T: the s² are the
    /// eigenvalues of their product, so that Σ s² is its trace and Σ s⁴ the trace of its square.
    private static func rank(_ a: [Double], _ b: [Double], order: Int) -> Double {
        var product = [Double](repeating: 0, count: order * order)
        multiply(
            order, order, order, a, order, .asStored, b, order, .asStored, into: &product, order)
        var (trace, square) = (0.0, 0.0)
        for i in 0..<order {
            trace += product[i * order + i]
            for j in 0..<order { square += product[i * order + j] * product[j * order + i] }
        }
        return square > 0 ? trace * trace / square : 0
    }
}

/// A number of a head from its weights alone.
public struct WeightMetric: Sendable {
    /// The column's name in scatter_data.json.
    public let name: String
    /// One or two sentences for tooltips.
    public let description: String
    /// Nil where a model does not have it.
    public let value: @Sendable (HeadScores) -> Double?

    /// All of them, in display order.
    public static let all: [WeightMetric] = [
        // Elhage et al. 2021: eigenvalues of W_U W_O W_V W_E, which are those of W_V (W_E^T W_U) W_O^T; W_E and
        // W_U are centred over the vocabulary.
        WeightMetric(
            name: "copying_score",
            description:
                "From weights: the sum of the eigenvalues of the circuit from attended token to logits over the sum of their moduli. Near 1: writes what it attends to; below 0: suppresses it."
        ) { $0.copying },
        // The same of W_E W_Q^T W_K W_E^T, whose eigenvalues are those of W_K (W_E^T W_E) W_Q^T.
        WeightMetric(
            name: "qk_matching_score",
            description:
                "From weights: the sum of the eigenvalues of the circuit from query token to key token over the sum of their moduli, without positions. Near 1: tokens attend to their like."
        ) { $0.matching },
        WeightMetric(
            name: "ov_rank",
            description:
                "From weights: how many directions the head carries from key to query, as the participation ratio (sum s^2)^2 / sum s^4 of the singular values of W_V W_O."
        ) { $0.ovRank },
        WeightMetric(
            name: "qk_rank",
            description:
                "From weights: how many directions the head compares, as the participation ratio (sum s^2)^2 / sum s^4 of the singular values of W_Q W_K."
        ) { $0.qkRank },
    ]
}
