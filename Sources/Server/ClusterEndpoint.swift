// SPDX-License-Identifier: Apache-2.0
// save_umap_clusters: named groups of a cloud's points.

import DataTree
import Hummingbird
import JSON
import Transformer

/// Stores the clusters that people draw.
struct ClusterEndpoint: Sendable {
    let tree: TreeStore

    /// Colours for clusters that come without one.
    private static let palette = [
        "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#bcbd22",
        "#17becf",
    ]

    /// Replaces all clusters of a head. A client that says on which version it builds (`base`) is told when that is
    /// no longer the one that is there, with what is; one that says nothing replaces it.
    func save(_ body: ClustersBody) async throws -> Response {
        let head = try tree.config().head(layer: body.layer, head: body.head)
        let answer: Response = try await tree.update(CloudFile.path(head)) { bytes in
            let cloud = try CloudFile(existing: bytes, of: head)
            if let base = body.base, base != cloud.clustersVersion {
                return (nil, Self.conflict(with: cloud))
            }
            let clusters = try Self.json(body.clusters, in: cloud, of: head)
            return (
                try cloud.setting(clusters: clusters), Self.saved(CloudFile.version(of: clusters))
            )
        }
        return answer
    }

    private static func saved(_ version: String) -> Response {
        var json = JSONWriter()
        json.object { json in
            json.member("success", true)
            json.member("version", version)
        }
        return Response(json: json.bytes)
    }

    /// What is there now, for a client that built on something else.
    private static func conflict(with cloud: CloudFile) -> Response {
        var json = JSONWriter()
        json.object { json in
            json.key("detail")
            json.string(
                "These clusters were changed by somebody else meanwhile; merge yours with what is there and save again."
            )
            json.member("version", cloud.clustersVersion)
            json.key("clusters")
            json.json(cloud.clusters)
        }
        var response = Response(json: json.bytes)
        response.status = .conflict
        return response
    }

    private static func json(
        _ clusters: [ClustersBody.Cluster], in cloud: CloudFile, of head: HeadAddress
    ) throws -> [UInt8] {
        var json = JSONWriter()
        try json.array { json in
            for (i, cluster) in clusters.enumerated() {
                try json.object { json in
                    json.member("name", cluster.name)
                    json.member("color", cluster.color ?? palette[i % palette.count])
                    json.key("points")
                    var seen: Set<Edge> = []
                    let points = try edges(of: cluster, in: cloud, of: head).filter {
                        seen.insert($0).inserted
                    }
                    json.array { json in for point in points { point.writeTriple(to: &json) } }
                }
            }
        }
        return json.bytes
    }

    private static func edges(
        of cluster: ClustersBody.Cluster, in cloud: CloudFile, of head: HeadAddress
    ) throws -> [Edge] {
        switch cluster.members {
        case .points(let points):
            guard points.allSatisfy({ $0.query >= 0 && $0.key >= 0 }) else {
                throw APIError.unprocessable(
                    "The cluster \"\(cluster.name)\" has a point at a negative position.")
            }
            return points.map { Edge(head, $0.sequence, query: $0.query, key: $0.key) }
        case .indices(let indices):
            return try indices.map { index in
                guard cloud.points.indices.contains(index) else {
                    throw APIError.unprocessable(
                        "The cluster \"\(cluster.name)\" names point \(index) of a cloud of \(cloud.points.count)."
                    )
                }
                return cloud.points[index]
            }
        }
    }
}

extension CloudFile {
    /// Reads a file that may not be there.
    init(existing bytes: [UInt8]?, of head: HeadAddress) throws(APIError) {
        guard let bytes else {
            throw APIError(
                .notFound, "Head \(head) has no cloud in this tree; run make data to make one.")
        }
        self = try CloudFile(bytes, of: head)
    }
}
