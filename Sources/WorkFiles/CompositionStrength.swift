// SPDX-License-Identifier: Apache-2.0
// How far the composition of two heads stands out from chance, out of weights.h5.

import Foundation
import Transformer
import WeightCircuits

/// The composition of heads against what unrelated heads of the same ranks give.
public struct CompositionStrength: Sendable {
    private let weights: WeightsFile
    private let places: [HeadAddress: Int]
    /// Participation ratios by head index; empty for a file that lacks them.
    private let ovRank: [Double]
    private let qkRank: [Double]

    public init(_ weights: WeightsFile) {
        self.weights = weights
        places = Dictionary(uniqueKeysWithValues: weights.heads.enumerated().map { ($1, $0) })
        func column(_ name: String) -> [Double] {
            weights.metrics.first { $0.name == name }?.values ?? []
        }
        (ovRank, qkRank) = (column("ov_rank"), column("qk_rank"))
    }

    /// The index of a head in weights.h5; nil for a head whose weights are not known.
    public func place(of head: HeadAddress) -> Int? {
        ovRank.isEmpty || qkRank.isEmpty ? nil : places[head]
    }

    /// ||W_2 W_1|| / (||W_2|| ||W_1||) of two heads by their indices.
    public func score(writer: Int, reader: Int, _ side: String) -> Double {
        Double(weights.composition[side]?[writer * weights.heads.count + reader] ?? 0)
    }

    /// How many standard deviations the squared score lies above that of unrelated heads of the same ranks.
    public func deviations(writer: Int, reader: Int, _ side: String) -> Double {
        let chance = Chance.squaredComposition(
            writerRank: ovRank[writer], readerRank: side == "v" ? ovRank[reader] : qkRank[reader],
            dModel: weights.dModel)
        let score = score(writer: writer, reader: reader, side)
        return chance.deviation > 0 ? (score * score - chance.mean) / chance.deviation : 0
    }

    /// The projection kernel of two heads by their indices, what unrelated subspaces of these dimensions give, and how
    /// many standard deviations it lies above that.
    public func kernel(
        writer: Int, reader: Int, _ side: String
    ) -> (value: Double, chance: Double, deviations: Double) {
        let value = Double(weights.kernel[side]?[writer * weights.heads.count + reader] ?? 0)
        let (written, read) = (
            weights.dimensions["o"]?[writer] ?? 0, weights.dimensions[side]?[reader] ?? 0
        )
        guard written > 0, read > 0 else { return (value, 0, 0) }
        let chance = Chance.projectionKernel(
            writerDimension: written, readerDimension: read, dModel: weights.dModel)
        let above = chance.deviation > 0 ? (value - chance.mean) / chance.deviation : 0
        return (value, chance.mean, above)
    }

    /// log(1 + deviations) of the side that stands out most, in the direction that the layers allow; 0 for heads of
    /// one layer, or whose weights are not known. Deviations span decades, and their logarithm is what a map can show.
    public func affinity(_ a: HeadAddress, _ b: HeadAddress) -> Double {
        let (earlier, later) = a.layer < b.layer ? (a, b) : (b, a)
        guard earlier.layer < later.layer, let writer = place(of: earlier),
            let reader = place(of: later)
        else { return 0 }
        let strongest = WeightsFile.sides.map { deviations(writer: writer, reader: reader, $0) }
        return log1p(max(0, strongest.max() ?? 0))
    }
}
