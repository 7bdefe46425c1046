// SPDX-License-Identifier: Apache-2.0
// What chance gives for two heads, against which their numbers are told.

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
