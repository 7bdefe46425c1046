// SPDX-License-Identifier: Apache-2.0
// custom_sequences/L5H1.json: {"sequences": [...]}, changed without touching its other entries.

import AttentionStats
import DataTree
import Foundation
import Transformer

/// The custom sequences of one head.
struct CustomSequences {
    private let text: JSONText
    private let list: Range<Int>
    private let entries: [(id: String, range: Range<Int>)]

    /// Where a head's custom sequences are.
    static func path(_ head: HeadAddress) -> String { "custom_sequences/\(head).json" }

    /// Reads the file; nil stands for a file that is not there.
    init(_ bytes: [UInt8]?, of head: HeadAddress) throws(APIError) {
        let bytes = bytes ?? Array(#"{"sequences":[]}"#.utf8)
        do {
            let text = try JSONText(bytes)
            guard let list = try text.member("sequences", of: text.root),
                let ranges = try text.elements(of: list)
            else { throw JSONTextError(position: 0, description: "no sequences") }
            var entries: [(id: String, range: Range<Int>)] = []
            for range in ranges {
                let id = try text.member("sequence_id", of: range).flatMap { text.string($0) }
                entries.append((id ?? "", range))
            }
            self.text = text
            self.list = list
            self.entries = entries
        } catch {
            throw .broken(
                "\(Self.path(head)) is not a list of sequences (\(error)); mend it or move it away."
            )
        }
    }

    /// The stored sequence with this id, as it is in the file.
    func sequence(_ id: String) -> [UInt8]? {
        entries.first { $0.id == id }.map { Array(text.bytes[$0.range]) }
    }

    /// The file with one more sequence.
    func adding(_ sequence: [UInt8]) throws -> [UInt8] {
        try text.appending(sequence, to: list)
    }

    /// The file without a sequence; nil if it is not in it.
    func removing(_ id: String) -> [UInt8]? {
        guard entries.contains(where: { $0.id == id }) else { return nil }
        let rest = entries.filter { $0.id != id }.map { text.bytes[$0.range] }
        return text.replacing(
            list,
            with: [UInt8(ascii: "[")] + rest.joined(separator: [UInt8(ascii: ",")])
                + [UInt8(ascii: "]")])
    }

    /// The token ids and display strings of a stored sequence.
    func tokens(of id: String) throws -> SequenceTokens? {
        guard let sequence = sequence(id) else { return nil }
        guard let stored = try? JSONDecoder().decode(Stored.self, from: Data(sequence)),
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

extension SequencePayload {
    /// A custom sequence with the token ids that it stands for.
    func json(tokenIDs: [Int32]) -> [UInt8] {
        var json = JSONWriter()
        write(to: &json)
        var ids = JSONWriter()
        ids.ints(tokenIDs.map(Int.init))
        return json.bytes.dropLast() + Array(#","token_ids":"#.utf8) + ids.bytes
            + [UInt8(ascii: "}")]
    }
}
