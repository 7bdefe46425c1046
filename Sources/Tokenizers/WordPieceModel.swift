// SPDX-License-Identifier: Apache-2.0
// WordPiece and WordLevel: words from the longest tokens that fit, and words as they are.

/// WordPiece: from left to right, the longest token that the rest of the word starts with.
struct WordPieceModel: PieceModel {
    private var initial = ByteTrie()
    /// The tokens that continue a word, without their prefix ("##").
    private var continuing = ByteTrie()
    private let unknown: Int32
    private let maximumLength: Int

    /// - Parameter maximumLength: words of more characters are unknown.
    init(
        _ table: ByteTable, unknown: Int32, continuingPrefix: String, maximumLength: Int
    ) {
        self.unknown = unknown
        self.maximumLength = maximumLength
        var initial = ByteTrie()
        var continuing = ByteTrie()
        let prefix = Array(continuingPrefix.utf8)
        table.forEach { key, id in
            if !key.isEmpty { initial.insert(key, id) }
            if key.count > prefix.count, key.starts(with: prefix) {
                continuing.insert(key.dropFirst(prefix.count), id)
            }
        }
        self.initial = initial
        self.continuing = continuing
    }

    func makeScratch() {}

    func encode(
        _ piece: UnsafeBufferPointer<UInt8>, into ids: inout [Int32], _ scratch: inout Void
    ) {
        let start = ids.count
        if characterCount(piece) > maximumLength {
            ids.append(unknown)
            return
        }
        var position = 0
        while position < piece.count {
            let trie = position == 0 ? initial : continuing
            guard let (id, count) = trie.longestMatch(in: piece, at: position) else {
                ids.removeSubrange(start...)
                ids.append(unknown)
                return
            }
            ids.append(id)
            position += count
        }
    }

    func encodeStart(
        of piece: UnsafeBufferPointer<UInt8>, open: Bool, limit: Int, into ids: inout [Int32],
        _ scratch: inout Void
    ) {
        // More text makes a word that is too long no shorter.
        if !open || characterCount(piece) > maximumLength { encode(piece, into: &ids, &scratch) }
    }

    private func characterCount(_ piece: UnsafeBufferPointer<UInt8>) -> Int {
        var count = 0
        for byte in piece where byte & 0xC0 != 0x80 { count += 1 }
        return count
    }
}

/// WordLevel: every piece is a token, or unknown.
struct WordLevelModel: PieceModel {
    let table: ByteTable
    /// Nil leaves unknown words out (`tokenizers` stops with an error).
    let unknown: Int32?

    func makeScratch() {}

    func encode(
        _ piece: UnsafeBufferPointer<UInt8>, into ids: inout [Int32], _ scratch: inout Void
    ) {
        if let id = table.id(of: piece) ?? unknown { ids.append(id) }
    }
}
