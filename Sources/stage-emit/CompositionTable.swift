// SPDX-License-Identifier: Apache-2.0
// With which other heads a head works, out of weights.h5.

import DataTree
import Transformer
import WorkFiles

/// The strongest partners of each head, against what chance gives.
struct CompositionTable {
    private let weights: WeightsFile
    private let strength: CompositionStrength
    /// How many partners are listed each way.
    private let limit = 20

    init(_ weights: WeightsFile) {
        self.weights = weights
        strength = CompositionStrength(weights)
    }

    /// The partners of a head, those that stand out most first; nil for a head whose weights are not known.
    func partners(of head: HeadAddress) -> CompositionPayload? {
        guard let place = strength.place(of: head) else { return nil }
        func strongest(_ pairs: [(other: Int, writer: Int, reader: Int)], _ side: String)
            -> [CompositionPayload.Partner]
        {
            pairs.map { pair in
                let other = weights.heads[pair.other]
                return CompositionPayload.Partner(
                    layer: other.layer, head: other.head,
                    score: strength.score(writer: pair.writer, reader: pair.reader, side),
                    deviations: strength.deviations(
                        writer: pair.writer, reader: pair.reader, side))
            }
            .sorted { ($0.deviations, $0.score) > ($1.deviations, $1.score) }
            .prefix(limit).map { $0 }
        }
        let all = weights.heads.indices
        let earlier = all.filter { weights.heads[$0].layer < head.layer }
            .map { (other: $0, writer: $0, reader: place) }
        let later = all.filter { weights.heads[$0].layer > head.layer }
            .map { (other: $0, writer: place, reader: $0) }
        return CompositionPayload(
            chance: (1 / Double(weights.dModel)).squareRoot(),
            readsFrom: WeightsFile.sides.map { ($0, strongest(earlier, $0)) },
            readBy: WeightsFile.sides.map { ($0, strongest(later, $0)) })
    }
}
