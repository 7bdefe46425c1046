// SPDX-License-Identifier: Apache-2.0
// attributions/manifest.json: which attributions the tree holds.

import Foundation
import JSON

/// The edges whose attributions are there, by head and sequence.
public struct AttributionManifest: Sendable, Equatable {
    /// Where the manifest lies in a tree.
    public static let path = "attributions/manifest.json"

    private struct Entry: Codable, Equatable, Sendable {
        var qk: [[Int]] = []
        var ov: [[Int]] = []
    }

    /// By names such as L5H1S12.
    private var entries: [String: Entry]

    /// Reads a manifest; nil is an empty one.
    public init(_ bytes: [UInt8]?) throws(DataTreeError) {
        do {
            entries =
                try bytes.map { try JSONDecoder().decode([String: Entry].self, from: Data($0)) }
                ?? [:]
        } catch {
            throw DataTreeError(
                "\(Self.path) in the data tree is not as expected; remove it and the folder it is in."
            )
        }
    }

    /// Where the attribution of an edge lies in a tree.
    ///
    /// - Parameters:
    ///   - kind: qk or ov.
    ///   - sequence: a number or the id of a custom one.
    public static func path(
        _ kind: String, layer: Int, head: Int, sequence: String, query: Int, key: Int
    ) -> String {
        "attributions/\(kind)/L\(layer)H\(head)S\(sequence)Q\(query)K\(key).json"
    }

    /// The sequence in the name of an attribution's file; nil for other files.
    public static func sequence(ofFile name: String) -> String? {
        guard let match = name.wholeMatch(of: /L\d+H\d+S(c?[0-9a-f]+)Q\d+K\d+\.json/) else {
            return nil
        }
        return String(match.1)
    }

    /// Adds the edge of an attribution's file; whether it was new.
    public mutating func add(_ kind: String, file name: String) -> Bool {
        guard let match = name.wholeMatch(of: /L(\d+)H(\d+)S(c?[0-9a-f]+)Q(\d+)K(\d+)\.json/),
            let layer = Int(match.1), let head = Int(match.2), let query = Int(match.4),
            let key = Int(match.5)
        else { return false }
        return add(
            kind, layer: layer, head: head, sequence: String(match.3), query: query, key: key)
    }

    /// Adds an edge; whether it was new.
    @discardableResult
    public mutating func add(
        _ kind: String, layer: Int, head: Int, sequence: String, query: Int, key: Int
    ) -> Bool {
        let name = "L\(layer)H\(head)S\(sequence)"
        var entry = entries[name] ?? Entry()
        let list: WritableKeyPath<Entry, [[Int]]> = kind == "qk" ? \.qk : \.ov
        guard !entry[keyPath: list].contains([query, key]) else { return false }
        entry[keyPath: list].append([query, key])
        entry[keyPath: list].sort { $0.lexicographicallyPrecedes($1) }
        entries[name] = entry
        return true
    }

    /// Keeps only entries whose sequence (a number or the id of a custom one) passes.
    public mutating func keep(where passes: (String) -> Bool) {
        entries = entries.filter { name, _ in
            passes(String(name.split(separator: "S", maxSplits: 1).last ?? ""))
        }
    }

    /// The manifest as JSON, in the order of names.
    public func json() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
                json.key(name)
                json.object { json in
                    for (kind, edges) in [("qk", entry.qk), ("ov", entry.ov)] {
                        json.key(kind)
                        json.array { json in for edge in edges { json.ints(edge) } }
                    }
                }
            }
        }
        return json.bytes
    }
}
