// SPDX-License-Identifier: Apache-2.0
// Attributions as files of the tree, and the manifest that names them.

import Attribution
import DataTree
import Foundation

/// The attributions that a data tree holds.
///
/// Whoever changes them holds the tree's lock.
public struct StoredAttributions {
    private let tree: URL

    /// - Parameter tree: its folder, with links resolved.
    public init(_ tree: URL) { self.tree = tree }

    /// One attribution of one edge.
    public typealias Name = (kind: AttributionKind, edge: Edge)

    /// Writes answers, then the manifest, so that it never names what is not there.
    ///
    /// - Parameter present: others that are there and may not be named yet.
    public func write(_ answers: [(name: Name, bytes: [UInt8])], present: [Name] = []) throws {
        for (name, bytes) in answers {
            try DurableFile.replace(tree.appending(path: Self.path(name)), with: bytes)
        }
        try name(answers.map(\.name) + present)
    }

    /// Names in the manifest every attribution that is there: a crash may have come between the two files.
    public func completeManifest() throws {
        let folder = tree.appending(path: "attributions")
        try name(
            AttributionKind.allCases.flatMap { kind in
                let files = try? FileManager.default.contentsOfDirectory(
                    atPath: folder.appending(path: kind.rawValue).path)
                return (files ?? []).compactMap(AttributionManifest.edge(ofFile:)).map {
                    (kind, $0)
                }
            })
    }

    /// Where an attribution lies in a tree.
    public static func path(_ name: Name) -> String {
        AttributionManifest.path(name.kind.rawValue, of: name.edge)
    }

    private func name(_ names: [Name]) throws {
        let url = tree.appending(path: AttributionManifest.path)
        let old = FileManager.default.contents(atPath: url.path).map { [UInt8]($0) }
        var manifest = try AttributionManifest(old)
        var isChanged = false
        for (kind, edge) in names where manifest.add(kind.rawValue, edge) { isChanged = true }
        if isChanged { try DurableFile.replace(url, with: manifest.json()) }
    }
}
