// SPDX-License-Identifier: Apache-2.0
// umap/L{l}H{h}.json and umap/sequences.json.

import Digests
import JSON

/// The clouds of one head.
public struct CloudPayload: Sendable {
    /// Three coordinates of n points, [n, 3], for each of Q, K, O and V.
    public typealias Places = [(matrix: String, places: [Float])]

    public var sequence: [Int]
    public var query: [Int]
    public var key: [Int]
    public var attention: [Float]
    public var norms: [Float]
    public var pca: Places
    /// For each matrix, the share of the variance along each PCA axis.
    public var explainedVariance: [(matrix: String, ratios: [Double])]
    /// Left out of the file when empty.
    public var views: [(nNeighbors: Int, minDist: Double, embeddings: Places)]
    /// What people saved: JSON arrays, kept as they are.
    public var clusters: [UInt8] = Array("[]".utf8)
    public var projectedPoints: [UInt8] = Array("[]".utf8)

    /// The clouds of one head, without anything saved.
    public init(
        sequence: [Int], query: [Int], key: [Int], attention: [Float], norms: [Float], pca: Places,
        explainedVariance: [(matrix: String, ratios: [Double])],
        views: [(nNeighbors: Int, minDist: Double, embeddings: Places)]
    ) {
        self.sequence = sequence
        self.query = query
        self.key = key
        self.attention = attention
        self.norms = norms
        self.pca = pca
        self.explainedVariance = explainedVariance
        self.views = views
    }

    /// The file's bytes.
    public func json() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            for (name, values) in [("seq_idx", sequence), ("top_q", query), ("top_k", key)] {
                json.key(name)
                json.ints(values)
            }
            for (name, values) in [("norms", norms), ("attention", attention)] {
                json.key(name)
                json.array { json in for value in values { json.number(value) } }
            }
            json.key("pca")
            Self.write(pca, to: &json)
            json.key("pca_explained_variance")
            json.object { json in
                for (matrix, ratios) in explainedVariance {
                    json.key(matrix)
                    json.numbers(ratios)
                }
            }
            if !views.isEmpty {
                json.key("views")
                json.array { json in
                    for view in views {
                        json.object { json in
                            json.key("n_neighbors")
                            json.int(view.nNeighbors)
                            json.key("min_dist")
                            json.number(view.minDist)
                            json.key("embeddings")
                            Self.write(view.embeddings, to: &json)
                        }
                    }
                }
            }
            json.key("clusters")
            json.json(clusters)
            json.key("clusters_version")
            json.string(Self.version(of: clusters))
            json.key("projected_points")
            json.json(projectedPoints)
        }
        return json.bytes
    }

    /// {"Q": {"d0": [...], "d1": [...], "d2": [...]}, ...}.
    private static func write(_ places: Places, to json: inout JSONWriter) {
        json.object { json in
            for (matrix, places) in places {
                json.key(matrix)
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
}

extension CloudPayload {
    /// What tells one state of the clusters from another: the beginning of a hash of their JSON.
    public static func version(of clusters: [UInt8]) -> String {
        String(hexadecimal(clusters.withUnsafeBytes { SHA256.hash($0) }).prefix(12))
    }
}
