// SPDX-License-Identifier: Apache-2.0
// The merge loop of byte-pair encoding.

/// The symbols of one piece, and the buffers in which they are merged.
struct MergeScratch {
    /// Before `merge` the symbols of a piece, after it its ids.
    var symbols: [Int32] = []
    /// The merge of each symbol with its right neighbour: rank << 32 | result.
    private var pairs: [UInt64] = []
    /// Indices of the neighbours, for long pieces; -1 where there is none.
    private var previous: [Int32] = []
    private var next: [Int32] = []
    private var queue = MergeQueue()

    /// Up to this many symbols a scan for the best pair beats a queue.
    private static let shortPiece = 64

    /// Merges until no pair of neighbours has a merge: always the pair of the lowest rank, and of
    /// several with that rank the leftmost.
    mutating func merge(with merges: PairTable) {
        guard symbols.count > 1 else { return }
        if symbols.count <= MergeScratch.shortPiece {
            mergeShort(merges)
        } else if symbols.count < Int(Int32.max) {
            mergeLong(merges)
        }
    }

    /// Quadratic in the number of symbols, which is small.
    private mutating func mergeShort(_ merges: PairTable) {
        pairs.removeAll(keepingCapacity: true)
        for index in 1..<symbols.count { pairs.append(merges[symbols[index - 1], symbols[index]]) }
        var count = symbols.count
        symbols.withUnsafeMutableBufferPointer { symbols in
            pairs.withUnsafeMutableBufferPointer { pairs in
                while count > 1 {
                    var best = 0
                    for index in 1..<count - 1 where pairs[index] < pairs[best] { best = index }
                    guard pairs[best] != PairTable.none else { break }
                    symbols[best] = Int32(truncatingIfNeeded: pairs[best])
                    count -= 1
                    for index in best + 1..<max(count, best + 1) {
                        symbols[index] = symbols[index + 1]
                    }
                    for index in best..<max(count - 1, best) { pairs[index] = pairs[index + 1] }
                    if best > 0 { pairs[best - 1] = merges[symbols[best - 1], symbols[best]] }
                    if best + 1 < count { pairs[best] = merges[symbols[best], symbols[best + 1]] }
                }
            }
        }
        symbols.removeLast(symbols.count - count)
    }

    /// A linked list of symbols and a queue of merges: n log n in the number of symbols. An entry of
    /// the queue counts only if its symbol still has that merge when its turn comes.
    private mutating func mergeLong(_ merges: PairTable) {
        let count = symbols.count
        previous = (0..<Int32(count)).map { $0 - 1 }
        next = (1...Int32(count)).map { $0 < count ? $0 : -1 }
        pairs = Array(repeating: PairTable.none, count: count)
        queue.removeAll()
        for index in 0..<count - 1 { setPair(index, merges) }
        while let (rank, index) = queue.removeFirst() {
            guard pairs[index] != PairTable.none, pairs[index] >> 32 == rank else { continue }
            let right = Int(next[index])
            symbols[index] = Int32(truncatingIfNeeded: pairs[index])
            pairs[right] = PairTable.none
            next[index] = next[right]
            if next[right] >= 0 { previous[Int(next[right])] = Int32(index) }
            setPair(index, merges)
            if previous[index] >= 0 { setPair(Int(previous[index]), merges) }
        }
        var kept = 0
        var index = 0
        while index >= 0 {
            symbols[kept] = symbols[index]
            kept += 1
            index = Int(next[index])
        }
        symbols.removeLast(count - kept)
    }

    /// Looks up the merge of a symbol with its right neighbour.
    @inline(__always)
    private mutating func setPair(_ index: Int, _ merges: PairTable) {
        let right = Int(next[index])
        let pair = right < 0 ? PairTable.none : merges[symbols[index], symbols[right]]
        pairs[index] = pair
        if pair != PairTable.none { queue.insert(rank: pair >> 32, index) }
    }
}

/// A binary heap of (rank, position), lowest first.
private struct MergeQueue {
    private var heap: [UInt64] = []

    mutating func removeAll() { heap.removeAll(keepingCapacity: true) }

    mutating func insert(rank: UInt64, _ index: Int) {
        let entry = rank << 32 | UInt64(truncatingIfNeeded: index)
        var hole = heap.count
        heap.append(entry)
        while hole > 0, heap[(hole - 1) / 2] > entry {
            heap[hole] = heap[(hole - 1) / 2]
            hole = (hole - 1) / 2
        }
        heap[hole] = entry
    }

    mutating func removeFirst() -> (rank: UInt64, index: Int)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty { sink(last) }
        return (first >> 32, Int(truncatingIfNeeded: first & 0xFFFF_FFFF))
    }

    private mutating func sink(_ entry: UInt64) {
        var hole = 0
        while 2 * hole + 1 < heap.count {
            var child = 2 * hole + 1
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < entry else { break }
            heap[hole] = heap[child]
            hole = child
        }
        heap[hole] = entry
    }
}
