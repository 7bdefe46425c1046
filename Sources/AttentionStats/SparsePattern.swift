// SPDX-License-Identifier: Apache-2.0
// The strongest entries of each row of an attention matrix: what the page shows of a sequence.

import Tensors

/// How an attention matrix is thinned out before it is stored.
public struct Sparsification: Sendable, Equatable {
    /// At most so many entries of a row are kept.
    public var entriesPerRow: Int
    /// Entries below this are dropped.
    public var threshold: Float

    /// The contract's choice: the top 8 of a row at or above 0.005.
    public static let standard = Sparsification(entriesPerRow: 8, threshold: 0.005)

    /// Keeps `entriesPerRow` entries of a row, none below `threshold`.
    public init(entriesPerRow: Int, threshold: Float) {
        self.entriesPerRow = entriesPerRow
        self.threshold = threshold
    }

    /// Appends the kept entries of one row, by ascending key. Of equal entries the first keys win.
    ///
    /// - Parameters:
    ///   - row: attention, indexed by key; sixteen entries after the last key may be read.
    ///   - keys: the keys that the query sees.
    public func appendRow(
        _ row: UnsafePointer<Float>, query: Int, keys: Range<Int>, to pairs: inout [AttentionPair]
    ) {
        let start = pairs.count
        var floor = threshold  // entries must reach it, or exceed it once the row is full
        var k = keys.lowerBound
        while k < keys.upperBound {
            let values = row.lanes(at: k)
            if values.laneMax >= floor {
                for key in k..<min(k + laneCount, keys.upperBound) where row[key] >= floor {
                    let isFull = pairs.count - start == entriesPerRow
                    if isFull {
                        guard row[key] > floor else { continue }
                        removeSmallest(of: &pairs, from: start)
                    }
                    pairs.append(AttentionPair(query: query, key: key, attention: row[key]))
                    if pairs.count - start == entriesPerRow {
                        floor = pairs[start...].reduce(.infinity) { min($0, $1.attention) }
                    }
                }
            }
            k += laneCount
        }
    }

    /// Removes the smallest entry from `start` on; of equals the one with the largest key.
    private func removeSmallest(of pairs: inout [AttentionPair], from start: Int) {
        var smallest = start
        for i in start..<pairs.count where pairs[i].attention <= pairs[smallest].attention {
            smallest = i
        }
        pairs.remove(at: smallest)
    }
}
