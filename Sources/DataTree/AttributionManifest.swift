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
                try bytes.map { try JSONDecoder().decode([String: Entry].self, checking: $0) }
                ?? [:]
        } catch {
            throw DataTreeError(
                "\(Self.path) in the data tree is not as expected; remove it and the folder it is in."
            )
        }
    }

    /// Where the attribution of an edge lies in a tree.
    ///
    /// - Parameter kind: qk or ov.
    public static func path(_ kind: String, of edge: Edge) -> String {
        "attributions/\(kind)/\(edge).json"
    }

    /// The edge whose attribution a file of this name holds; nil for other files.
    public static func edge(ofFile name: String) -> Edge? {
        name.hasSuffix(".json") ? Edge(String(name.dropLast(".json".count))) : nil
    }

    /// Adds an edge; whether it was new.
    @discardableResult
    public mutating func add(_ kind: String, _ edge: Edge) -> Bool {
        let name = "\(edge.head)S\(edge.sequence)"
        let positions = [edge.query, edge.key]
        var entry = entries[name] ?? Entry()
        let list: WritableKeyPath<Entry, [[Int]]> = kind == "qk" ? \.qk : \.ov
        guard !entry[keyPath: list].contains(positions) else { return false }
        entry[keyPath: list].append(positions)
        entry[keyPath: list].sort { $0.lexicographicallyPrecedes($1) }
        entries[name] = entry
        return true
    }

    /// Keeps only entries whose sequence passes.
    public mutating func keep(where passes: (SequenceID) -> Bool) {
        entries = entries.filter { name, _ in
            name.split(separator: "S", maxSplits: 1).last.flatMap { SequenceID(String($0)) }
                .map(passes) ?? false
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
