// SPDX-License-Identifier: Apache-2.0
// custom_sequences/L5H1.json: {"sequences": [...]}, and where in it which sequence is.

import Foundation
import JSON
import Transformer

/// Where the custom sequences of one head lie in its file.
struct CustomSequences: Sendable {
    /// A stored sequence.
    struct Entry: Sendable {
        /// Empty if it has none.
        let id: String
        /// In bytes from the start of the file.
        var range: Range<Int>
    }

    /// The list with its brackets, in bytes from the start of the file.
    private(set) var list: Range<Int>
    private(set) var entries: [Entry]
    /// The first entry with an id.
    private var places: [String: Int]

    /// Where a head's custom sequences are.
    static func path(_ head: HeadAddress) -> String { "custom_sequences/\(head).json" }

    /// A file of one sequence.
    static func file(of sequence: [UInt8]) -> [UInt8] {
        Array(#"{"sequences":["#.utf8) + sequence + Array("]}".utf8)
    }

    /// Reads the file.
    init(_ bytes: [UInt8], of head: HeadAddress) throws(APIError) {
        let text: JSONText
        do { text = try JSONText(bytes) } catch { throw Self.broken("\(error)", of: head) }
        guard let list = text.member("sequences", of: text.root),
            let ranges = text.elements(of: list)
        else { throw Self.broken("no sequences", of: head) }
        self.list = list
        entries = ranges.map { range in
            let id = text.member("sequence_id", of: range).flatMap(text.string)
            return Entry(id: id ?? "", range: range)
        }
        places = Self.places(entries)
    }

    private static func broken(_ problem: String, of head: HeadAddress) -> APIError {
        .broken("\(path(head)) is not a list of sequences (\(problem)); mend it or move it away.")
    }

    private static func places(_ entries: [Entry]) -> [String: Int] {
        Dictionary(entries.enumerated().map { ($1.id, $0) }) { first, _ in first }
    }

    /// Where the sequence with this id is; nil if there is none.
    func range(of id: String) -> Range<Int>? { places[id].map { entries[$0].range } }

    /// What to insert, and where, for one more sequence at the end of the list.
    func insertion(of sequence: [UInt8]) -> (bytes: [UInt8], place: Int) {
        ((entries.isEmpty ? [] : [UInt8(ascii: ",")]) + sequence, list.upperBound - 1)
    }

    /// Notes that a sequence was inserted there.
    mutating func didInsert(_ id: String, _ sequence: [UInt8]) {
        let (bytes, place) = insertion(of: sequence)
        let end = place + bytes.count
        entries.append(Entry(id: id, range: end - sequence.count..<end))
        list = list.lowerBound..<end + 1
        if places[id] == nil { places[id] = entries.count - 1 }
    }

    /// Takes all sequences with this id out of the bytes of the file, with a comma each; nil if there is none.
    ///
    /// - Returns: up to where the bytes are as they were.
    mutating func remove(_ id: String, from bytes: inout [UInt8]) -> Int? {
        var unchanged: Int?
        while let place = places[id] {
            let own = entries[place].range
            let start = place > 0 ? entries[place - 1].range.upperBound : own.lowerBound
            let end =
                place > 0 || entries.count == 1
                ? own.upperBound : entries[place + 1].range.lowerBound
            bytes.removeSubrange(start..<end)
            entries.remove(at: place)
            for i in place..<entries.count {
                let range = entries[i].range
                entries[i].range = range.lowerBound - end + start..<range.upperBound - end + start
            }
            list = list.lowerBound..<list.upperBound - end + start
            places = Self.places(entries)
            unchanged = min(unchanged ?? start, start)
        }
        return unchanged
    }

    /// The token ids and display strings of a stored sequence.
    static func tokens(of sequence: [UInt8], _ id: String) throws(APIError) -> SequenceTokens {
        guard let stored = try? JSONDecoder().decode(Stored.self, checking: Array(sequence)),
            stored.token_ids.count == stored.tokens.count, !stored.tokens.isEmpty
        else {
            throw APIError.unprocessable(
                "The custom sequence \(id) has no token ids; delete it and add its text again.")
        }
        return SequenceTokens(ids: stored.token_ids, display: stored.tokens)
    }

    private struct Stored: Decodable {
        let token_ids: [Int32]
        let tokens: [String]
    }
}
