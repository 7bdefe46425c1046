// SPDX-License-Identifier: Apache-2.0
// What a scan found on a block of neighbouring sequences: the unit in which scan.h5 is written.

/// Where blocks end.
///
/// Within a block, lists are stored head by head, so that a reader of one head finds its lists side by
/// side. Where a block ends depends on the corpus alone: not on workers, batches or shards.
public enum ScanBlock {
    /// Tokens after which a block ends: enough that one head's lists are worth a read of their own.
    private static let tokens = 16_384

    /// The blocks of a corpus, cut to those of its sequences that are in `range`.
    ///
    /// - Parameter starts: where each sequence starts, and the end.
    public static func ranges(of starts: [Int], in range: Range<Int>) -> [Range<Int>] {
        var blocks: [Range<Int>] = []
        var first = 0
        while first < min(starts.count - 1, range.upperBound) {
            var end = first + 1
            while end < starts.count - 1, starts[end] - starts[first] < tokens { end += 1 }
            let block = (first..<end).clamped(to: range)
            if !block.isEmpty { blocks.append(block) }
            first = end
        }
        return blocks
    }
}
