// SPDX-License-Identifier: Apache-2.0
// umap/L5H1.json: looked up and changed in place, without rewriting its numbers.

import DataTree
import Transformer

/// The cloud of one head.
struct CloudFile: Sendable {
    private let text: JSONText
    /// Who the points are.
    let points: [EdgeIdentity]
    /// Who the projected points are.
    let projected: [EdgeIdentity?]
    /// Where "projected_points" is, if it is there.
    private let projectedList: Range<Int>?
    /// The number of views, nil without UMAP.
    let views: Int?
    /// The clusters that are there, as JSON.
    let clusters: [UInt8]

    /// What tells one state of the clusters from another.
    var clustersVersion: String { Self.version(of: clusters) }

    /// The version of clusters as they are written.
    static func version(of clusters: [UInt8]) -> String {
        CloudPayload.version(of: clusters)
    }

    /// Where a head's cloud is.
    static func path(_ head: HeadAddress) -> String { "umap/\(head).json" }

    /// Reads the file.
    init(_ bytes: [UInt8], of head: HeadAddress) throws(APIError) {
        do {
            let text = try JSONText(bytes)
            let members = try text.members(of: text.root) ?? []
            func range(_ name: String) -> Range<Int>? { members.last { $0.name == name }?.value }
            points = try Self.points(text, range)
            var projected: [EdgeIdentity?] = []
            let list = range("projected_points").flatMap { text.isNull($0) ? nil : $0 }
            for point in try list.flatMap(text.elements) ?? [] {
                projected.append(try Self.projectedPoint(text, point))
            }
            self.projected = projected
            projectedList = list
            clusters = range("clusters").map { Array(bytes[$0]) } ?? Array("[]".utf8)
            views = try range("views").flatMap(text.elements)?.count
            self.text = text
        } catch {
            throw .broken(
                "\(Self.path(head)) is not a cloud (\(error)); run make data again.")
        }
    }

    private static func points(
        _ text: JSONText, _ range: (String) -> Range<Int>?
    ) throws(JSONTextError) -> [EdgeIdentity] {
        func column(_ name: String) throws(JSONTextError) -> [Range<Int>] {
            guard let range = range(name), let elements = try text.elements(of: range) else {
                throw JSONTextError(position: 0, description: "\(name) is missing")
            }
            return elements
        }
        let (sequences, queries, keys) = (
            try column("seq_idx"), try column("top_q"), try column("top_k")
        )
        guard sequences.count == queries.count, sequences.count == keys.count else {
            throw JSONTextError(position: 0, description: "its columns have different lengths")
        }
        var points: [EdgeIdentity] = []
        points.reserveCapacity(sequences.count)
        for i in sequences.indices {
            guard let point = identity(text, sequences[i], queries[i], keys[i]) else {
                throw JSONTextError(position: 0, description: "point \(i) is none")
            }
            points.append(point)
        }
        return points
    }

    private static func projectedPoint(
        _ text: JSONText, _ range: Range<Int>
    ) throws(JSONTextError) -> EdgeIdentity? {
        guard let sequence = try text.member("seq_idx", of: range),
            let query = try text.member("top_q", of: range),
            let key = try text.member("top_k", of: range)
        else { return nil }
        return identity(text, sequence, query, key)
    }

    private static func identity(
        _ text: JSONText, _ sequence: Range<Int>, _ query: Range<Int>, _ key: Range<Int>
    ) -> EdgeIdentity? {
        let reference =
            text.int(sequence).map(SequenceReference.corpus)
            ?? text.string(sequence).flatMap(SequenceReference.init)
        guard let reference, let query = text.int(query), let key = text.int(key) else {
            return nil
        }
        return EdgeIdentity(sequence: reference, query: query, key: key)
    }

    /// The file with other clusters.
    func setting(clusters: [UInt8]) throws -> [UInt8] {
        let changed = try text.setting("clusters", to: clusters)
        let version = Array("\"\(Self.version(of: clusters))\"".utf8)
        return try JSONText(changed).setting("clusters_version", to: version)
    }

    /// The file with one more projected point.
    func adding(projectedPoint: [UInt8]) throws -> [UInt8] {
        guard let projectedList else {
            return try text.setting(
                "projected_points",
                to: [UInt8(ascii: "[")] + projectedPoint + [UInt8(ascii: "]")])
        }
        return try text.appending(projectedPoint, to: projectedList)
    }
}
