// SPDX-License-Identifier: Apache-2.0
// save_note: what people call a head and say of it, kept in data/notes.json as {"L5H1": {name, text, color}}.

import DataTree
import Foundation
import Hummingbird
import JSON
import Transformer

/// {layer, head, name, text, color}; all empty: the note goes.
struct NoteBody: Decodable {
    let layer: Int
    let head: Int
    let name: String
    let text: String
    let color: String
    /// The note that the client knew, where it says so: another one that is there is not overwritten.
    let base: Note?
}

/// What people say of a head.
struct Note: Codable, Sendable, Equatable {
    var name = ""
    var text = ""
    /// "#rrggbb", or empty.
    var color = ""

    var isEmpty: Bool { self == Note() }

    func write(to json: inout JSONWriter) {
        json.object { json in
            for (key, value) in [("name", name), ("text", text), ("color", color)] {
                json.member(key, value)
            }
        }
    }
}

/// Stores notes on heads.
struct NotesEndpoint: Sendable {
    let tree: TreeStore

    static let path = "notes.json"
    /// Bytes of a name, and of a text.
    private static let (longestName, longestText) = (200, 10_000)

    /// Sets, changes or removes the note of one head, whatever the others are.
    func save(_ body: NoteBody) async throws -> Response {
        let head = try tree.config().head(layer: body.layer, head: body.head)
        let note = Note(name: body.name, text: body.text, color: body.color)
        guard note.color.isEmpty || note.color.wholeMatch(of: /#[0-9a-fA-F]{6}/) != nil else {
            throw APIError.unprocessable("color must be like #1f77b4, or empty.")
        }
        guard note.name.utf8.count <= Self.longestName, note.text.utf8.count <= Self.longestText
        else {
            throw APIError.unprocessable(
                "A note's name has at most \(Self.longestName) bytes, its text \(Self.longestText)."
            )
        }
        return try await tree.update(Self.path) { bytes in
            var notes = try Self.read(bytes)
            let there = notes["\(head)"] ?? Note()
            if let base = body.base, base != there, note != there {
                return (nil, Self.conflict(with: there))
            }
            notes["\(head)"] = note.isEmpty ? nil : note
            return (Self.json(notes), .success)
        }
    }

    private static func read(_ bytes: [UInt8]?) throws(APIError) -> [String: Note] {
        guard let bytes else { return [:] }
        do { return try JSONDecoder().decode([String: Note].self, checking: bytes) } catch {
            throw .broken("\(path) is not as expected; mend it or move it away.")
        }
    }

    private static func json(_ notes: [String: Note]) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            for (head, note) in notes.sorted(by: { $0.key < $1.key }) {
                json.key(head)
                note.write(to: &json)
            }
        }
        return json.bytes
    }

    private static func conflict(with note: Note) -> Response {
        var json = JSONWriter()
        json.object { json in
            json.member(
                "detail",
                "Somebody else changed this note meanwhile; look at theirs and save again.")
            json.key("note")
            note.write(to: &json)
        }
        var response = Response(json: json.bytes)
        response.status = .conflict
        return response
    }
}
