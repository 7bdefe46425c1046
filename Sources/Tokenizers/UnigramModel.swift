// SPDX-License-Identifier: Apache-2.0
// Unigram language model: the segmentation whose tokens' log-probabilities have the largest sum.

/// A Unigram model, with the rules of `tokenizers`' own (models/unigram/model.rs).
struct UnigramModel: PieceModel {
    private let trie: ByteTrie
    private let scores: [Double]
    private let table: ByteTable
    /// Nil leaves unknown characters out (`tokenizers` stops with an error).
    private let unknown: Int32?
    private let byteFallback: [Int32?]?
    private let unknownScore: Double

    /// - Parameter scores: the log-probability of each token, by id.
    init(_ table: ByteTable, scores: [Double], unknown: Int32?, byteFallback: [Int32?]?) {
        self.table = table
        self.scores = scores
        self.unknown = unknown
        self.byteFallback = byteFallback
        // An unknown character is less probable than any token: SentencePiece's kUnkPenalty.
        unknownScore = (scores.min() ?? 0) - 10
        var trie = ByteTrie()
        table.forEach { key, id in if !key.isEmpty { trie.insert(key, id) } }
        self.trie = trie
    }

    /// The best way to each byte position of a piece.
    struct Lattice {
        /// The sum of scores up to here.
        fileprivate var score: [Double] = []
        /// Where the last token of the best way starts; -1 where no way leads.
        fileprivate var start: [Int] = []
        fileprivate var id: [Int32] = []

        fileprivate mutating func reset(_ count: Int) {
            score = Array(repeating: 0, count: count + 1)
            start = Array(repeating: -1, count: count + 1)
            id = Array(repeating: -1, count: count + 1)
        }

        /// Of two equal sums the earlier one stays.
        @inline(__always)
        fileprivate mutating func offer(_ sum: Double, _ from: Int, _ id: Int32, at end: Int) {
            guard start[end] < 0 || sum > score[end] else { return }
            score[end] = sum
            start[end] = from
            self.id[end] = id
        }
    }

    func makeScratch() -> Lattice { Lattice() }

    func encode(
        _ piece: UnsafeBufferPointer<UInt8>, into ids: inout [Int32], _ lattice: inout Lattice
    ) {
        fill(&lattice, piece)
        let ends = path(to: piece.count, lattice)
        append(piece, ends, lattice, to: &ids)
    }

    private func fill(_ lattice: inout Lattice, _ piece: UnsafeBufferPointer<UInt8>) {
        lattice.reset(piece.count)
        var position = 0
        while position < piece.count {
            let sum = lattice.score[position]
            let length = decodeScalar(piece, at: position).count
            var hasSingle = false
            var node: Int32 = 0
            var end = position
            while end < piece.count {
                node = trie.child(of: node, piece[end])
                guard node > 0 else { break }
                end += 1
                let id = trie.value(of: node)
                guard id >= 0 else { continue }
                lattice.offer(sum + scores[Int(id)], position, id, at: end)
                if end - position == length { hasSingle = true }
            }
            if !hasSingle {
                lattice.offer(sum + unknownScore, position, unknown ?? -1, at: position + length)
            }
            position += length
        }
    }

    func encodeStart(
        of piece: UnsafeBufferPointer<UInt8>, open: Bool, limit: Int, into ids: inout [Int32],
        _ lattice: inout Lattice
    ) {
        // The best way to a place does not depend on what follows, and the best way to any later
        // place passes one of the last `window` places before it: what the ways to all of these
        // share is final.
        let window = table.longestKey + 4
        var count = 16 * (min(limit, piece.count) + 64) + 4 * window
        while count < piece.count {
            let end = scalarBoundary(atOrBefore: count, in: piece)
            let start = UnsafeBufferPointer(rebasing: piece[..<end])
            var own: [Int32] = []
            fill(&lattice, start)
            append(start, sharedPath(lattice, end: end, window: window), lattice, to: &own)
            if own.count >= limit {
                ids.append(contentsOf: own.prefix(limit))
                return
            }
            count = 4 * count
        }
        if !open { encode(piece, into: &ids, &lattice) }
    }

    /// The beginning that the best ways to the last `window` places share, without unknown
    /// characters at its end, which others may join.
    private func sharedPath(_ lattice: Lattice, end: Int, window: Int) -> [Int] {
        var shared: [Int]?
        for place in max(1, end - window)...end where lattice.start[place] >= 0 {
            let ends = path(to: place, lattice)
            guard let known = shared else {
                shared = ends
                continue
            }
            shared = zip(known, ends).prefix { $0 == $1 }.map(\.0)
        }
        var path = shared ?? []
        while let last = path.last, lattice.id[last] == unknown ?? -1 { path.removeLast() }
        return path
    }

    /// The ends of the tokens on the best way to `end`, first to last.
    private func path(to end: Int, _ lattice: Lattice) -> [Int] {
        var ends: [Int] = []
        var end = end
        while end > 0 {
            ends.append(end)
            end = lattice.start[end]
        }
        return ends.reversed()
    }

    private func append(
        _ piece: UnsafeBufferPointer<UInt8>, _ ends: [Int], _ lattice: Lattice,
        to ids: inout [Int32]
    ) {
        var unknownStart: Int?
        for end in ends {
            let start = lattice.start[end]
            if lattice.id[end] == unknown ?? -1 {
                unknownStart = unknownStart ?? start
                continue
            }
            if let from = unknownStart { appendUnknown(piece, from..<start, to: &ids) }
            unknownStart = nil
            ids.append(lattice.id[end])
        }
        if let from = unknownStart { appendUnknown(piece, from..<(ends.last ?? from), to: &ids) }
    }

    /// A run of unknown characters is looked up as a whole, then spelled in bytes, then unknown.
    private func appendUnknown(
        _ piece: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, to ids: inout [Int32]
    ) {
        let run = UnsafeBufferPointer(rebasing: piece[range])
        if let id = table.id(of: run) {
            ids.append(id)
        } else if let byteFallback, run.allSatisfy({ byteFallback[Int($0)] != nil }) {
            for byte in run { if let id = byteFallback[Int(byte)] { ids.append(id) } }
        } else if let unknown {
            ids.append(unknown)
        }
    }
}
