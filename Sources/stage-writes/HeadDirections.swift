// SPDX-License-Identifier: Apache-2.0
// The directions that the studied heads carry, and the tokens at their ends.

import Foundation
import Transformer
import UserErrors
import WeightCircuits
import WorkFiles

/// The strongest singular pairs of heads, in words.
struct HeadDirections {
    let model: Model
    let embedding: Embedding
    let unembedding: FoldedUnembedding
    /// Pairs of each head, and tokens told at each end.
    let count: Int
    let tokens: Int
    let workers: Int

    /// Those of all heads, in their order; none, with a line that says so, of layers that cannot be taken apart.
    func all(of heads: [HeadAddress]) throws -> [WritesFile.Direction] {
        let found = try pairs(of: heads)
        let read = TokenRanking.of(
            found.flatMap { $0.pair.reads }, by: embedding, count: tokens, workers: workers)
        let written = TokenRanking.of(
            found.flatMap { $0.pair.writes }, by: unembedding, count: tokens, workers: workers)
        return found.indices.map { i in
            var reads = ends(read[i])
            var writes = ends(written[i])
            // The sign of a pair is arbitrary: the farthest token that is read lies at the high end.
            if (reads.low.first.map { -$0.weight } ?? 0) > (reads.high.first?.weight ?? 0) {
                reads = reads.turned
                writes = writes.turned
            }
            return WritesFile.Direction(
                head: found[i].head, strength: found[i].pair.strength, share: found[i].pair.share,
                reads: reads, writes: writes)
        }
    }

    private func pairs(of heads: [HeadAddress]) throws -> [(head: Int, pair: OVDirection)] {
        var found: [(head: Int, pair: OVDirection)] = []
        for (layer, indices) in Dictionary(grouping: heads.indices, by: { heads[$0].layer })
            .sorted(by: { $0.key < $1.key })
        {
            do { try model.refuseToTakeApart(layer: layer) } catch {
                FileHandle.standardError.write(Data("\(error)\n".utf8))
                continue
            }
            let weights = try HeadWeights.all(ofLayer: layer, of: model, workers: workers)
            for index in indices {
                let head = FoldedHead(
                    weights[heads[index].head], dModel: model.description.dModel)
                found += try OVDirection.leading(count, of: head).map { (index, $0) }
            }
        }
        return found.sorted { $0.head < $1.head }
    }

    private func ends(_ ranking: TokenRanking) -> WritesFile.Direction.Ends {
        func entries(_ list: [TokenRanking.Entry]) -> [WritesFile.Entry] {
            list.map { WritesFile.Entry(token: $0.token, weight: $0.weight) }
        }
        return WritesFile.Direction.Ends(
            high: entries(ranking.promotes), low: entries(ranking.suppresses))
    }
}

extension WritesFile.Direction.Ends {
    /// The same of the opposite direction.
    fileprivate var turned: Self {
        func negated(_ list: [WritesFile.Entry]) -> [WritesFile.Entry] {
            list.map { WritesFile.Entry(token: $0.token, weight: -$0.weight) }
        }
        return Self(high: negated(low), low: negated(high))
    }
}
