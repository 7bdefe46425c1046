// SPDX-License-Identifier: Apache-2.0
// The token strings of a model, by id and by bytes.

import UserErrors

/// Token strings as the tokenizer's file spells them, keyed by their bytes: Swift's `String` takes
/// canonically equivalent spellings for equal, which a vocabulary keeps apart.
struct Vocabulary: Sendable {
    /// From the bytes of a token to its id.
    private(set) var table: ByteTable
    private var bytes: [UInt8] = []
    /// Where each id's bytes lie; an id without a token has `nil`'s stand-in (-1, 0).
    private var places: [(start: Int, count: Int)] = []

    /// The number of ids, including those that no token has.
    var idCount: Int { places.count }

    /// The tokens of `entries`; a token that comes twice has its last id.
    ///
    /// Two tokens with one id and ids far beyond the number of tokens are refused, the latter
    /// because everything that is indexed by id is as long as the largest id.
    init(_ entries: [(token: String, id: Int32)], name: String) throws {
        table = ByteTable(capacity: entries.count)
        for (token, id) in entries {
            try insert(token, id, limit: 16 * entries.count + 65_536, name: name)
        }
    }

    /// Adds a token, or finds it with the same id.
    mutating func insert(
        _ token: String, _ id: Int32, limit: Int, name: String
    ) throws {
        guard id >= 0, Int(id) < limit else {
            throw UserError("\(name) gives the token \"\(token)\" the id \(id), out of range.")
        }
        while places.count <= Int(id) { places.append((-1, 0)) }
        if let present = self[id], !present.elementsEqual(token.utf8) {
            throw UserError(
                "\(name) gives the id \(id) to \"\(string(id) ?? "")\" and to \"\(token)\".")
        }
        var token = token
        let (start, count) = token.withUTF8 { utf8 in
            table.insert(utf8, id)
            let start = bytes.count
            bytes.append(contentsOf: utf8)
            return (start, utf8.count)
        }
        places[Int(id)] = (start, count)
    }

    /// The bytes of a token; nil for an id that no token has.
    subscript(id: Int32) -> ArraySlice<UInt8>? {
        guard id >= 0, Int(id) < places.count else { return nil }
        let (start, count) = places[Int(id)]
        return start < 0 ? nil : bytes[start..<start + count]
    }

    /// The token as text.
    func string(_ id: Int32) -> String? {
        self[id].map { String(decoding: $0, as: UTF8.self) }
    }

    func id(of token: String) -> Int32? { table.id(of: token) }
}
