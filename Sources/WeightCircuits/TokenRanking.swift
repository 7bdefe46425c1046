// SPDX-License-Identifier: Apache-2.0
// Which tokens a direction of the residual stream raises, and which it lowers.

import Tensors
import Transformer

/// The tokens whose logits a direction moves most.
public struct TokenRanking: Sendable, Equatable {
    /// A token and by how much its logit is above the mean over the vocabulary, the final norm's scale left out.
    public struct Entry: Sendable, Equatable {
        public let token: Int32
        public let weight: Float
    }

    /// The most raised first.
    public let promotes: [Entry]
    /// The most lowered first.
    public let suppresses: [Entry]
    /// The mean over the vocabulary that is taken off.
    public let mean: Float

    /// Ranks the vocabulary for every row of `directions`, in one walk over its vectors.
    ///
    /// - Parameters:
    ///   - directions: [n, dModel].
    ///   - vocabulary: the unembedding, for what a direction raises; the embedding, for what lies along it.
    ///   - count: tokens listed at each end; of equal ones those with lower ids.
    public static func of(
        _ directions: [Float], by vocabulary: some TokenVectors, count: Int, workers: Int
    ) -> [TokenRanking] {
        BLAS.prepare()
        let width = vocabulary.dModel
        let n = directions.count / width
        let blocks = stride(from: 0, to: n, by: rowsAtATime).map {
            $0..<min($0 + rowsAtATime, n)
        }
        var ranks = blocks.map { $0.map { _ in Ends(count) } }
        var chunk = [Float](repeating: 0, count: tokensAtATime * width)
        for first in stride(from: 0, to: vocabulary.dVocab, by: tokensAtATime) {
            let tokens = first..<min(first + tokensAtATime, vocabulary.dVocab)
            chunk.withUnsafeMutableBufferPointer { chunk in
                guard let chunk = chunk.baseAddress else { return }
                let parts = (tokens.count + 63) / 64
                share(parts, among: workers) { _, i in
                    let part =
                        tokens.lowerBound + 64
                        * i..<min(
                            tokens.lowerBound + 64 * (i + 1), tokens.upperBound)
                    vocabulary.read(part, into: chunk + 64 * i * width)
                }
                ranks.withUnsafeMutableBufferPointer { ranks in
                    nonisolated(unsafe) let ranks = ranks
                    share(blocks.count, among: workers) { _, b in
                        let rows = blocks[b]
                        var logits = [Float](repeating: 0, count: rows.count * tokens.count)
                        directions.withUnsafeBufferPointer { directions in
                            guard let x = directions.baseAddress else { return }
                            multiply(
                                rows.count, tokens.count, width, x + rows.lowerBound * width, width,
                                .asStored, chunk, width, .transposed, into: &logits, tokens.count)
                        }
                        for row in rows.indices {
                            let place = row - rows.lowerBound
                            ranks[b][place].take(
                                logits[place * tokens.count..<(place + 1) * tokens.count],
                                from: Int32(first))
                        }
                    }
                }
            }
        }
        return ranks.flatMap { $0.map { $0.ranking(vocabulary.dVocab) } }
    }

    private static let rowsAtATime = 64
    private static let tokensAtATime = 1024

    /// Both ends of the logits seen so far, and their sum.
    private struct Ends {
        let count: Int
        var highest: [Entry] = []
        var lowest: [Entry] = []
        var sum = 0.0

        init(_ count: Int) { self.count = count }

        /// Takes the logits of consecutive tokens.
        mutating func take(_ logits: ArraySlice<Float>, from first: Int32) {
            var high = highest.count < count ? -Float.infinity : highest[count - 1].weight
            var low = lowest.count < count ? Float.infinity : lowest[count - 1].weight
            for (i, logit) in logits.enumerated() {
                sum += Double(logit)
                if logit > high {
                    insert(logit, first + Int32(i), into: &highest) { $0 > $1 }
                    if highest.count == count { high = highest[count - 1].weight }
                }
                if logit < low {
                    insert(logit, first + Int32(i), into: &lowest) { $0 < $1 }
                    if lowest.count == count { low = lowest[count - 1].weight }
                }
            }
        }

        private func insert(
            _ logit: Float, _ token: Int32, into list: inout [Entry],
            before: (Float, Float) -> Bool
        ) {
            let place = list.firstIndex { before(logit, $0.weight) } ?? list.count
            list.insert(Entry(token: token, weight: logit), at: place)
            if list.count > count { list.removeLast() }
        }

        func ranking(_ dVocab: Int) -> TokenRanking {
            let mean = Float(sum / Double(dVocab))
            func centred(_ list: [Entry]) -> [Entry] {
                list.map { Entry(token: $0.token, weight: $0.weight - mean) }
            }
            return TokenRanking(
                promotes: centred(highest), suppresses: centred(lowest), mean: mean)
        }
    }
}
