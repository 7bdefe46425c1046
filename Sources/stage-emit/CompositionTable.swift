// SPDX-License-Identifier: Apache-2.0
// With which other heads a head works, out of weights.h5.

import DataTree
import Transformer
import WeightCircuits
import WorkFiles

/// The strongest partners of each head, against what chance gives.
struct CompositionTable {
    private let weights: WeightsFile
    private let places: [HeadAddress: Int]
    /// Participation ratios by head index.
    private let ovRank: [Double]
    private let qkRank: [Double]
    /// How many partners are listed each way.
    private let limit = 20

    init(_ weights: WeightsFile) {
        self.weights = weights
        places = Dictionary(
            uniqueKeysWithValues: weights.heads.enumerated().map { ($1, $0) })
        func column(_ name: String) -> [Double] {
            weights.metrics.first { $0.name == name }?.values ?? []
        }
        (ovRank, qkRank) = (column("ov_rank"), column("qk_rank"))
    }

    /// The partners of a head, those that stand out most first; nil for a head whose weights are not known.
    func partners(of head: HeadAddress) -> CompositionPayload? {
        guard let place = places[head], ovRank.count == weights.heads.count,
            qkRank.count == weights.heads.count
        else { return nil }
        let n = weights.heads.count
        func strongest(_ pairs: [(other: Int, writer: Int, reader: Int)], _ side: String)
            -> [CompositionPayload.Partner]
        {
            guard let scores = weights.composition[side] else { return [] }
            return pairs.map { pair in
                let score = Double(scores[pair.writer * n + pair.reader])
                let other = weights.heads[pair.other]
                return CompositionPayload.Partner(
                    layer: other.layer, head: other.head, score: score,
                    deviations: deviations(score, pair.writer, pair.reader, side))
            }
            .sorted { ($0.deviations, $0.score) > ($1.deviations, $1.score) }
            .prefix(limit).map { $0 }
        }
        let earlier = (0..<n).filter { weights.heads[$0].layer < head.layer }
            .map { (other: $0, writer: $0, reader: place) }
        let later = (0..<n).filter { weights.heads[$0].layer > head.layer }
            .map { (other: $0, writer: place, reader: $0) }
        return CompositionPayload(
            chance: (1 / Double(weights.dModel)).squareRoot(),
            readsFrom: WeightsFile.sides.map { ($0, strongest(earlier, $0)) },
            readBy: WeightsFile.sides.map { ($0, strongest(later, $0)) })
    }

    /// How many standard deviations the squared score lies above that of unrelated heads of the same ranks.
    private func deviations(_ score: Double, _ writer: Int, _ reader: Int, _ side: String) -> Double
    {
        let chance = Composition.chance(
            writerRank: ovRank[writer], readerRank: side == "v" ? ovRank[reader] : qkRank[reader],
            dModel: weights.dModel)
        return chance.deviation > 0 ? (score * score - chance.mean) / chance.deviation : 0
    }
}
