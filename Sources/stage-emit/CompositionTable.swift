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
                        writer: pair.writer, reader: pair.reader, side),
                    kernel: strength.kernel(writer: pair.writer, reader: pair.reader, side))
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

    /// The heads whose circuits are most like this one's, by the mean of both cosines; none for a head whose weights
    /// are not known.
    func alike(_ head: HeadAddress) -> [AlikeHead] {
        guard let place = strength.place(of: head), let qk = weights.likeness["qk"],
            let ov = weights.likeness["ov"]
        else { return [] }
        let row = place * weights.heads.count
        return weights.heads.indices.filter { $0 != place }
            .map { ($0, Double(qk[row + $0]), Double(ov[row + $0])) }
            .sorted { ($0.1 + $0.2, $1.0) > ($1.1 + $1.2, $0.0) }
            .prefix(limit).map { other, qk, ov in
                let address = weights.heads[other]
                return AlikeHead(layer: address.layer, head: address.head, qk: qk, ov: ov)
            }
    }
}
