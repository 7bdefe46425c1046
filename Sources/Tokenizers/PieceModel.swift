// SPDX-License-Identifier: Apache-2.0
// What the four kinds of models have in common: each turns pieces into ids, one piece at a time.

/// A model that encodes every piece by itself.
protocol PieceModel: Sendable {
    /// Buffers that are used again for each piece.
    associatedtype Scratch

    func makeScratch() -> Scratch

    /// Appends the ids of a piece that is not empty.
    func encode(
        _ piece: UnsafeBufferPointer<UInt8>, into ids: inout [Int32], _ scratch: inout Scratch)

    /// Appends the first `limit` ids, or all if there are fewer, of a piece that is long, or whose
    /// end is not there yet (`open`). Appends fewer where what follows could change them.
    func encodeStart(
        of piece: UnsafeBufferPointer<UInt8>, open: Bool, limit: Int, into ids: inout [Int32],
        _ scratch: inout Scratch)

    /// Cuts pieces where no token can reach across, so that equal words are met again.
    func cut(_ pieces: inout Pieces)
}

extension PieceModel {
    func cut(_ pieces: inout Pieces) {}

    func encodeStart(
        of piece: UnsafeBufferPointer<UInt8>, open: Bool, limit: Int, into ids: inout [Int32],
        _ scratch: inout Scratch
    ) {
        if !open { encode(piece, into: &ids, scratch: &scratch) }
    }

    private func encode(
        _ piece: UnsafeBufferPointer<UInt8>, into ids: inout [Int32], scratch: inout Scratch
    ) {
        encode(piece, into: &ids, &scratch)
    }

    /// Appends ids of the pieces until there are `limit` of them, or all that are certain.
    func encode(_ pieces: inout Pieces, limit: Int, into ids: inout [Int32]) {
        if pieces.end == .undecided {
            if !pieces.ranges.isEmpty { pieces.ranges.removeLast() }
            pieces.end = .closed
        }
        cut(&pieces)
        var cache = WordCache(pieceCount: min(pieces.ranges.count, limit))
        var scratch = makeScratch()
        // An id stands for at least a byte, usually for about four.
        ids.reserveCapacity(ids.count + min(limit, pieces.ranges.count + pieces.bytes.count / 8))
        pieces.bytes.withUnsafeBufferPointer { bytes in
            for (index, range) in pieces.ranges.enumerated() {
                guard ids.count < limit else { return }
                let isOpen = pieces.end == .open && index == pieces.ranges.count - 1
                let piece = UnsafeBufferPointer(rebasing: bytes[range])
                if isOpen || range.count > 4096 {
                    encodeStart(
                        of: piece, open: isOpen, limit: limit - ids.count, into: &ids, &scratch)
                } else if let (slot, known) = cache.find(range, in: bytes) {
                    if let known {
                        for position in known { ids.append(ids[position]) }
                    } else {
                        let start = ids.count
                        encode(piece, into: &ids, &scratch)
                        cache.remember(range, ids: start..<ids.count, slot: slot)
                    }
                } else {
                    encode(piece, into: &ids, &scratch)
                }
            }
        }
    }
}

/// Remembers which ids recent short pieces gave, as places in the text and in the output; one entry
/// a slot, the newest wins.
struct WordCache {
    private struct Entry {
        var start = 0
        var count: Int32 = 0
        var idCount: Int32 = 0
        var idStart = 0
    }

    private static let longestWord = 64
    private var entries: [Entry]

    /// A cache of a size that suits a text of `pieceCount` pieces.
    init(pieceCount: Int) {
        var count = 64
        while count < pieceCount, count < 16_384 { count *= 2 }
        entries = Array(repeating: Entry(), count: count)
    }

    /// The slot of a piece, and where its ids stand if it is known; nil for a long piece.
    @inline(__always)
    func find(
        _ range: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>
    ) -> (slot: Int, ids: Range<Int>?)? {
        guard range.count <= WordCache.longestWord, let base = bytes.baseAddress else { return nil }
        let word = base + range.lowerBound
        let slot = Int(truncatingIfNeeded: hash(word, range.count)) & (entries.count - 1)
        let entry = entries[slot]
        guard Int(entry.count) == range.count else { return (slot, nil) }
        let known = base + entry.start
        for index in 0..<range.count where known[index] != word[index] { return (slot, nil) }
        return (slot, entry.idStart..<entry.idStart + Int(entry.idCount))
    }

    mutating func remember(_ range: Range<Int>, ids: Range<Int>, slot: Int) {
        entries[slot] = Entry(
            start: range.lowerBound, count: Int32(range.count), idCount: Int32(ids.count),
            idStart: ids.lowerBound)
    }
}
