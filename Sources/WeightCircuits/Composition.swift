// SPDX-License-Identifier: Apache-2.0
// What two heads' weights have to do with each other, and what chance gives.

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

/// What two heads give whose directions have nothing to do with each other.
public enum Chance {
    /// The mean of the squared composition under a uniformly random rotation between two heads, and its standard deviation.
    ///
    /// For symmetric A and B, E tr(A U B U^T) = tr A tr B / d, and its variance is
    /// 2 (tr A² - (tr A)²/d) (tr B² - (tr B)²/d) / ((d - 1)(d + 2)).
    ///
    /// - Parameters:
    ///   - writerRank: participation ratio of the writer's map, (tr A)² / tr A²; `readerRank` likewise.
    public static func squaredComposition(
        writerRank: Double, readerRank: Double, dModel: Int
    ) -> (mean: Double, deviation: Double) {
        let d = Double(dModel)
        let variance =
            2 * (1 / writerRank - 1 / d) * (1 / readerRank - 1 / d) / ((d - 1) * (d + 2))
        return (1 / d, max(0, variance).squareRoot())
    }

    /// The same of the projection kernel: A and B are projections, whose traces are the dimensions of what they project onto.
    public static func projectionKernel(
        writerDimension: Int, readerDimension: Int, dModel: Int
    ) -> (mean: Double, deviation: Double) {
        let (p, r) = (Double(writerDimension), Double(readerDimension))
        let one = squaredComposition(writerRank: p, readerRank: r, dModel: dModel)
        return (p * r * one.mean, p * r * one.deviation)
    }
}
