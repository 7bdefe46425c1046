// SPDX-License-Identifier: Apache-2.0
// The fits of one head's clouds, ready to place new edges.

import DataTree
import JSON
import Projection
import WorkFiles

/// Three coordinates in each of the clouds Q, K, O, V.
typealias CloudPlaces = [(matrix: String, place: [Float])]

/// Where a new edge lies.
struct PlacedEdge: Sendable {
    /// |Q|, as the cloud's norms.
    let norm: Float
    let pca: CloudPlaces
    /// One for each view.
    let views: [CloudPlaces]

    /// The edge as an entry of projected_points.
    // Not inlined, for the reason given in WorkFolder.
    @inline(never)
    func json(_ edge: Edge, tokens: [String]) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.key("seq_idx")
            edge.sequence.write(to: &json)
            json.member("top_q", edge.query)
            json.member("top_k", edge.key)
            json.member("norm", norm)
            json.key("pca")
            Self.write(pca, to: &json)
            json.key("umap_views")
            json.array { json in for view in views { Self.write(view, to: &json) } }
            json.key("tokens")
            json.strings(tokens)
        }
        return json.bytes
    }

    private static func write(_ places: CloudPlaces, to json: inout JSONWriter) {
        json.object { json in
            for (matrix, place) in places {
                json.key(matrix)
                json.object { json in
                    for (axis, value) in place.enumerated() {
                        json.member("d\(axis)", value)
                    }
                }
            }
        }
    }
}

/// Places edges in the clouds of one head.
struct CloudPlacer: Sendable {
    private struct Matrix: Sendable {
        let name: String
        let pca: PCA
        /// One a view.
        let fits: [FittedUMAP]
    }

    /// Number of points in the clouds.
    let nPoints: Int
    /// Number of UMAP views.
    let nViews: Int
    private let matrices: [Matrix]
    /// L, [d, d]: the cloud of O is of z L, or of A v L.
    private let outputFactor: [Double]
    private let output: CloudOutput

    /// Takes over stored fits.
    init(
        _ cloud: HeadCloud, views: [ProjectionView], output: CloudOutput, seed: UInt64
    ) throws {
        self.output = output
        nPoints = cloud.sequence.count
        nViews = views.count
        outputFactor = cloud.outputFactor
        var matrices: [Matrix] = []
        for name in HeadCloud.matrixNames {
            guard let matrix = cloud.matrices[name], !matrix.pcaMean.isEmpty else { continue }
            let points = try Points(matrix.points, dimensions: matrix.pcaMean.count)
            var fits: [FittedUMAP] = []
            for (view, embedding) in zip(views, matrix.umap) {
                fits.append(
                    try FittedUMAP(
                        points: points, embedding: embedding, nNeighbors: view.nNeighbors,
                        curve: try NearnessCurve(minDist: view.minDist), seed: seed))
            }
            let pca = try PCA(
                mean: matrix.pcaMean, axes: matrix.pcaAxes,
                explainedVarianceRatio: matrix.explainedVarianceRatio)
            matrices.append(Matrix(name: name, pca: pca, fits: fits))
        }
        self.matrices = matrices
    }

    /// Where an edge with these vectors lies.
    func place(_ vectors: EdgeVectors) throws -> PlacedEdge {
        var pca: CloudPlaces = []
        var views = [CloudPlaces](repeating: [], count: nViews)
        for matrix in matrices {
            let vector = vectors.vector(of: matrix.name, output)
            let point = try Points(vector, dimensions: vector.count)
            pca.append((matrix.name, try matrix.pca.transform(point)))
            let laidOut = matrix.name == "O" ? try imaged(vector) : point
            for (view, fit) in matrix.fits.enumerated() {
                views[view].append((matrix.name, try fit.transform(laidOut)))
            }
        }
        let norm = vectors.q.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return PlacedEdge(norm: norm, pca: pca, views: views)
    }

    /// z L.
    private func imaged(_ z: [Float]) throws -> Points {
        let d = z.count
        var image = [Double](repeating: 0, count: d)
        for row in 0..<min(d, outputFactor.count / max(d, 1)) {
            for column in 0..<d { image[column] += Double(z[row]) * outputFactor[row * d + column] }
        }
        return try Points(image.map { Float($0) }, dimensions: d)
    }
}

extension EdgeVectors {
    /// The vector that a cloud is made of.
    fileprivate func vector(of matrix: String, _ output: CloudOutput) -> [Float] {
        switch matrix {
        case "Q": q
        case "K": k
        case "O": output.vectors(z: z, v: v, attention: [attention])
        default: v
        }
    }
}
