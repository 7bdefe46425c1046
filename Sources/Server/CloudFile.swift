// SPDX-License-Identifier: Apache-2.0
// umap/L5H1.json: looked up and changed in place, without rewriting its numbers.

import DataTree
import JSON
import Transformer

/// The cloud of one head.
struct CloudFile: Sendable {
    private let text: JSONText
    /// Who the points are.
    let points: [Edge]
    /// Who the projected points are.
    let projected: [Edge?]
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
        do { text = try JSONText(bytes) } catch { throw Self.broken("\(error)", of: head) }
        let members = text.members(of: text.root) ?? []
        func range(_ name: String) -> Range<Int>? { members.last { $0.name == name }?.value }
        points = try Self.points(text, range, of: head)
        projectedList = range("projected_points").flatMap { [text] in text.isNull($0) ? nil : $0 }
        projected = (projectedList.flatMap(text.elements) ?? []).map { [text] in
            Self.projectedPoint(text, $0, of: head)
        }
        clusters = range("clusters").map { Array(bytes[$0]) } ?? Array("[]".utf8)
        views = range("views").flatMap(text.elements)?.count
    }

    private static func broken(_ problem: String, of head: HeadAddress) -> APIError {
        .broken("\(path(head)) is not a cloud (\(problem)); run make data again.")
    }

    private static func points(
        _ text: JSONText, _ range: (String) -> Range<Int>?, of head: HeadAddress
    ) throws(APIError) -> [Edge] {
        func column(_ name: String) throws(APIError) -> [Range<Int>] {
            guard let elements = range(name).flatMap(text.elements) else {
                throw broken("\(name) is missing", of: head)
            }
            return elements
        }
        let (sequences, queries, keys) = (
            try column("seq_idx"), try column("top_q"), try column("top_k")
        )
        guard sequences.count == queries.count, sequences.count == keys.count else {
            throw broken("its columns have different lengths", of: head)
        }
        let points = sequences.indices.compactMap {
            edge(text, sequences[$0], queries[$0], keys[$0], of: head)
        }
        guard points.count == sequences.count else {
            throw broken("a point is none", of: head)
        }
        return points
    }

    private static func projectedPoint(
        _ text: JSONText, _ range: Range<Int>, of head: HeadAddress
    ) -> Edge? {
        guard let sequence = text.member("seq_idx", of: range),
            let query = text.member("top_q", of: range), let key = text.member("top_k", of: range)
        else { return nil }
        return edge(text, sequence, query, key, of: head)
    }

    private static func edge(
        _ text: JSONText, _ sequence: Range<Int>, _ query: Range<Int>, _ key: Range<Int>,
        of head: HeadAddress
    ) -> Edge? {
        let id =
            text.int(sequence).map(SequenceID.corpus)
            ?? text.string(sequence).flatMap { SequenceID($0) }
        guard let id, let query = text.int(query), let key = text.int(key) else { return nil }
        return Edge(head, id, query: query, key: key)
    }

    /// The file with other clusters.
    func setting(clusters: [UInt8]) throws -> [UInt8] {
        var changed = text
        try changed.set("clusters", to: clusters)
        try changed.set("clusters_version", to: Array("\"\(Self.version(of: clusters))\"".utf8))
        return changed.bytes
    }

    /// The file with one more projected point.
    func adding(projectedPoint: [UInt8]) throws -> [UInt8] {
        var changed = text
        if let projectedList {
            try changed.append(projectedPoint, to: projectedList)
        } else {
            let list = [UInt8(ascii: "[")] + projectedPoint + [UInt8(ascii: "]")]
            try changed.set("projected_points", to: list)
        }
        return changed.bytes
    }
}
