// SPDX-License-Identifier: Apache-2.0
// save_umap_clusters: named groups of a cloud's points.

import DataTree
import Hummingbird
import Transformer

/// Stores the clusters that people draw.
struct ClusterEndpoint: Sendable {
    let tree: TreeStore

    /// Colours for clusters that come without one.
    private static let palette = [
        "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#bcbd22",
        "#17becf",
    ]

    /// Replaces all clusters of a head.
    func save(_ body: ClustersBody) async throws -> Response {
        let head = try tree.config().head(layer: body.layer, head: body.head)
        try await tree.update(CloudFile.path(head)) { bytes in
            let cloud = try CloudFile(existing: bytes, of: head)
            return (try cloud.setting(clusters: Self.json(body.clusters, in: cloud)), ())
        }
        return .success
    }

    private static func json(
        _ clusters: [ClustersBody.Cluster], in cloud: CloudFile
    ) throws -> [UInt8] {
        var json = JSONWriter()
        try json.array { json in
            for (i, cluster) in clusters.enumerated() {
                try json.object { json in
                    json.key("name")
                    json.string(cluster.name)
                    json.key("color")
                    json.string(cluster.color ?? palette[i % palette.count])
                    json.key("points")
                    let points = try identities(cluster, in: cloud)
                    json.array { json in for point in points { point.write(to: &json) } }
                }
            }
        }
        return json.bytes
    }

    private static func identities(
        _ cluster: ClustersBody.Cluster, in cloud: CloudFile
    ) throws -> [EdgeIdentity] {
        switch cluster.members {
        case .points(let points):
            guard points.allSatisfy({ $0.query >= 0 && $0.key >= 0 }) else {
                throw APIError.unprocessable(
                    "The cluster \"\(cluster.name)\" has a point at a negative position.")
            }
            return points
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
