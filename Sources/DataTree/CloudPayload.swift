// SPDX-License-Identifier: Apache-2.0
// umap/L{l}H{h}.json and umap/sequences.json.

import Digests
import JSON
import WorkFiles

/// The clouds of one head, with what people saved in them.
public struct CloudPayload: Sendable {
    public var cloud: HeadCloud
    /// Left out of the file when empty.
    public var views: [ProjectionView]
    /// What people saved: JSON arrays, kept as they are.
    public var clusters: [UInt8] = Array("[]".utf8)
    public var projectedPoints: [UInt8] = Array("[]".utf8)

    /// The clouds of one head, without anything saved.
    public init(_ cloud: HeadCloud, views: [ProjectionView]) {
        self.cloud = cloud
        self.views = views
    }

    /// The file's bytes.
    public func json() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            for (name, values) in [
                ("seq_idx", cloud.sequence), ("top_q", cloud.query), ("top_k", cloud.key),
            ] {
                json.key(name)
                json.ints(values)
            }
            for (name, values) in [("norms", cloud.norms), ("attention", cloud.attention)] {
                json.key(name)
                json.array { json in for value in values { json.number(value) } }
            }
            json.key("pca")
            writePlaces(to: &json) { $0.pca }
            json.key("pca_explained_variance")
            eachMatrix(&json) { json, matrix in json.numbers(matrix.explainedVarianceRatio) }
            if !views.isEmpty {
                json.key("views")
                json.array { json in
                    for (i, view) in views.enumerated() {
                        json.object { json in
                            json.member("n_neighbors", view.nNeighbors)
                            json.member("min_dist", view.minDist)
                            json.key("embeddings")
                            writePlaces(to: &json) { $0.umap[i] }
                        }
                    }
                }
            }
            json.key("clusters")
            json.json(clusters)
            json.member("clusters_version", Self.version(of: clusters))
            json.key("projected_points")
            json.json(projectedPoints)
        }
        return json.bytes
    }

    /// {"Q": ..., "K": ..., "O": ..., "V": ...}, of the matrices that the cloud has.
    private func eachMatrix(
        _ json: inout JSONWriter, _ write: (inout JSONWriter, MatrixCloud) -> Void
    ) {
        json.object { json in
            for name in HeadCloud.matrixNames {
                guard let matrix = cloud.matrices[name] else { continue }
                json.key(name)
                write(&json, matrix)
            }
        }
    }

    /// {"Q": {"d0": [...], "d1": [...], "d2": [...]}, ...} of [n, 3] places.
    private func writePlaces(to json: inout JSONWriter, _ places: (MatrixCloud) -> [Float]) {
        eachMatrix(&json) { json, matrix in
            let places = places(matrix)
            json.object { json in
                for axis in 0..<3 {
                    json.key("d\(axis)")
                    json.array { json in
                        for i in stride(from: axis, to: places.count, by: 3) {
                            json.number(places[i])
                        }
                    }
                }
            }
        }
    }
}

extension CloudPayload {
    /// What tells one state of the clusters from another: the beginning of a hash of their JSON.
    public static func version(of clusters: [UInt8]) -> String {
        String(hexadecimal(clusters.withUnsafeBytes { SHA256.hash($0) }).prefix(12))
    }
}
