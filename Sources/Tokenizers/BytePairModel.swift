// SPDX-License-Identifier: Apache-2.0
// Byte-pair encoding: symbols, and the symbols' merges in the order of their ranks.

/// A BPE model, with the rules of `tokenizers`' own (models/bpe/model.rs).
struct BytePairModel: PieceModel {
    /// How pieces become symbols.
    struct Options: Sendable {
        /// The id of characters that no symbol stands for; nil drops them.
        var unknown: Int32?
        /// Runs of unknown characters become one id.
        var fuseUnknown = false
        /// The ids of `<0x00>` to `<0xFF>`, for characters without a symbol.
        var byteFallback: [Int32?]?
        /// A piece that is a token becomes that token, whatever the merges say.
        var ignoreMerges = false
        /// Written before every symbol of a piece but the first.
        var continuingPrefix: [UInt8] = []
        /// Written after the last symbol of a piece.
        var wordSuffix: [UInt8] = []
    }

    /// One rule: the tokens `left` and `right`, side by side, become `result`.
    struct Merge {
        var left: Int32
        var right: Int32
        var result: Int32
    }

    private let table: ByteTable
    /// The id of each single byte, where every byte is a symbol; -1 for a byte without one.
    private let byteSymbols: [Int32]?
    /// rank << 32 | id of the result, for each pair that merges.
    private let merges: PairTable
    private let options: Options
    /// Pairs of symbols that some token holds side by side; nil if that cannot be told.
    private let joined: PairTable?

    /// - Parameters:
    ///   - table: the tokens; with `isByteLevel` the bytes that they stand for.
    ///   - merges: in the order of their ranks; a pair that comes again takes the later rank.
    init(table: ByteTable, isByteLevel: Bool, merges: [Merge], options: Options) {
        self.table = table
        self.options = options
        if isByteLevel {
            byteSymbols = (UInt8.min...UInt8.max).map { table.id(of: [$0]) ?? -1 }
        } else {
            byteSymbols = nil
        }
        var pairs = PairTable(capacity: merges.count)
        for (rank, merge) in merges.enumerated() {
            let value = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: merge.result))
            pairs.insert(merge.left, merge.right, value)
        }
        self.merges = pairs
        joined = BytePairModel.joined(table, isByteLevel: isByteLevel, merges, options)
    }

    func makeScratch() -> MergeScratch { MergeScratch() }

    func encode(
        _ piece: UnsafeBufferPointer<UInt8>, into ids: inout [Int32], _ scratch: inout MergeScratch
    ) {
        if options.ignoreMerges, let id = table.id(of: piece) {
            ids.append(id)
            return
        }
        scratch.symbols.removeAll(keepingCapacity: true)
        symbols(of: piece, into: &scratch.symbols)
        scratch.merge(with: merges)
        ids.append(contentsOf: scratch.symbols)
    }
}

// MARK: - Symbols

extension BytePairModel {
    private func symbols(of piece: UnsafeBufferPointer<UInt8>, into symbols: inout [Int32]) {
        var pendingUnknown = false
        var position = 0
        while position < piece.count {
            let count = byteSymbols == nil ? decodeScalar(piece, at: position).count : 1
            let end = position + count
            if let id = symbol(piece, position..<end) {
                if pendingUnknown, let unknown = options.unknown { symbols.append(unknown) }
                pendingUnknown = false
                symbols.append(id)
            } else if let bytes = fallback(piece, position..<end) {
                // An unknown character before it stays pending, and so comes out behind it.
                symbols.append(contentsOf: bytes)
            } else if let unknown = options.unknown {
                if pendingUnknown, !options.fuseUnknown { symbols.append(unknown) }
                pendingUnknown = true
            }
            position = end
        }
        if pendingUnknown, let unknown = options.unknown { symbols.append(unknown) }
    }

    @inline(__always)
    private func symbol(_ piece: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int32? {
        if let byteSymbols {
            let id = byteSymbols[Int(piece[range.lowerBound])]
            return id < 0 ? nil : id
        }
        if options.continuingPrefix.isEmpty, options.wordSuffix.isEmpty {
            return table.id(of: UnsafeBufferPointer(rebasing: piece[range]))
        }
        return table.id(of: affixed(piece, range))
    }

    /// A character with the prefix and suffix that its place asks for.
    private func affixed(_ piece: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> [UInt8] {
        (range.lowerBound > 0 ? options.continuingPrefix : []) + piece[range]
            + (range.upperBound == piece.count ? options.wordSuffix : [])
    }

    private func fallback(
        _ piece: UnsafeBufferPointer<UInt8>, _ range: Range<Int>
    ) -> [Int32]? {
        guard let byteIDs = options.byteFallback else { return nil }
        var ids: [Int32] = []
        for byte in affixed(piece, range) {
            guard let id = byteIDs[Int(byte)] else { return nil }
            ids.append(id)
        }
        return ids
    }
}

// MARK: - Seams

extension BytePairModel {
    /// The pairs of symbols that stand side by side within some token. Between any other two
    /// symbols no merge ever reaches, so a piece can be cut there without changing its ids.
    private static func joined(
        _ table: ByteTable, isByteLevel: Bool, _ merges: [Merge], _ options: Options
    ) -> PairTable? {
        guard options.continuingPrefix.isEmpty, options.wordSuffix.isEmpty else { return nil }
        let bytes = options.byteFallback ?? []
        let special = Set(bytes.compactMap { $0 } + [options.unknown].compactMap { $0 })
        guard bytes.allSatisfy({ $0 != nil }) else { return nil }

        let ends = SymbolEnds(table, isByteLevel: isByteLevel)
        var joined = PairTable(capacity: merges.count / 4)
        for merge in merges {
            guard !special.contains(merge.left), !special.contains(merge.right),
                let last = ends.last(merge.left), let first = ends.first(merge.right)
            else { return nil }
            joined.insert(last, first, 1)
        }
        return joined
    }

    func cut(_ pieces: inout Pieces) {
        guard let joined, pieces.ranges.contains(where: { $0.count > 32 }) else { return }
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(pieces.ranges.count + pieces.bytes.count / 5)
        pieces.bytes.withUnsafeBufferPointer { bytes in
            for range in pieces.ranges {
                let isToken =
                    options.ignoreMerges
                    && table.id(of: UnsafeBufferPointer(rebasing: bytes[range])) != nil
                if range.count <= 32 || isToken {
                    ranges.append(range)
                } else {
                    cut(range, of: bytes, joined, into: &ranges)
                }
            }
        }
        pieces.ranges = ranges
    }

    private func cut(
        _ range: Range<Int>, of bytes: UnsafeBufferPointer<UInt8>, _ joined: PairTable,
        into ranges: inout [Range<Int>]
    ) {
        var start = range.lowerBound
        var position = start
        var previous: Int32?
        while position < range.upperBound {
            let count = byteSymbols == nil ? decodeScalar(bytes, at: position).count : 1
            let id = symbol(bytes, position..<position + count)
            if id == nil, dropsUnknown {
                // What is left and right of it will be neighbours.
                position += count
                continue
            }
            if position > start, isSeam(previous, id, joined) {
                ranges.append(start..<position)
                start = position
            }
            previous = id
            position += count
        }
        if start < range.upperBound { ranges.append(start..<range.upperBound) }
    }

    private var dropsUnknown: Bool { options.unknown == nil && options.byteFallback == nil }

    @inline(__always)
    private func isSeam(_ left: Int32?, _ right: Int32?, _ joined: PairTable) -> Bool {
        switch (left, right) {
        case (let left?, let right?): joined[left, right] == PairTable.none
        // Unknown characters next to each other may become one id.
        case (nil, nil): options.byteFallback != nil
        default: true
        }
    }
}

/// The first and the last symbol of tokens.
private struct SymbolEnds {
    private var firsts: [Int32: Int32] = [:]
    private var lasts: [Int32: Int32] = [:]

    init(_ table: ByteTable, isByteLevel: Bool) {
        table.forEach { key, id in
            guard let last = key.indices.last else { return }
            var start = last
            if !isByteLevel {
                while start > 0, key[start] & 0xC0 == 0x80 { start -= 1 }
            }
            let count = isByteLevel ? 1 : decodeScalar(key, at: 0).count
            firsts[id] = table.id(of: UnsafeBufferPointer(rebasing: key[0..<count]))
            lasts[id] = table.id(of: UnsafeBufferPointer(rebasing: key[start...]))
        }
    }

    func first(_ id: Int32) -> Int32? { firsts[id] }
    func last(_ id: Int32) -> Int32? { lasts[id] }
}

// MARK: - Long and open pieces

extension BytePairModel {
    func encodeStart(
        of piece: UnsafeBufferPointer<UInt8>, open: Bool, limit: Int, into ids: inout [Int32],
        _ scratch: inout MergeScratch
    ) {
        // What the merges left of a boundary between two tokens do does not depend on what is right
        // of it: up to there the ids are those of the shorter text. Some boundary lies within any
        // `window` symbols in a row, so ids that all prefixes that end in such a window agree on
        // are those of every text that starts like them.
        let window = table.longestKey
        var count = 16 * (min(limit, piece.count) + 64) + 4 * window
        while window <= 1024, count < piece.count || (open && count / 2 < piece.count) {
            if let agreed = agreedIDs(
                piece.prefix(count), window: window, limit: limit, &scratch)
            {
                ids.append(contentsOf: agreed)
                return
            }
            count = 2 * count
        }
        if !open { encode(piece, into: &ids, &scratch) }
    }

    /// The first `limit` ids of `start`, if they are those of every piece that starts with it.
    private func agreedIDs(
        _ start: Slice<UnsafeBufferPointer<UInt8>>, window: Int, limit: Int,
        _ scratch: inout MergeScratch
    ) -> ArraySlice<Int32>? {
        let end =
            byteSymbols == nil
            ? scalarBoundary(atOrBefore: start.endIndex, in: start.base) : start.endIndex
        var all: [Int32] = []
        symbols(of: UnsafeBufferPointer(rebasing: start.base[0..<end]), into: &all)
        // The last symbol may have taken a suffix, or be a part of a run of unknown characters.
        all = all.dropLast()
        guard all.count > 2 * window else { return nil }
        var agreed: ArraySlice<Int32>?
        for count in all.count - window...all.count {
            scratch.symbols.removeAll(keepingCapacity: true)
            scratch.symbols.append(contentsOf: all[..<count])
            scratch.merge(with: merges)
            let ids = scratch.symbols.prefix(limit)
            guard ids.count == limit, agreed == nil || agreed == ids else { return nil }
            agreed = ids
        }
        return agreed
    }
}
