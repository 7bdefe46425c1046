// SPDX-License-Identifier: Apache-2.0
// project.h5: the clouds of each head, with all that is needed to place new points into them.

import AttentionStats
import HDF5
import Transformer

/// The cloud of one kind of vector (Q, K, O or V) of one head; n points of d dimensions.
public struct MatrixCloud: Sendable, Equatable {
    /// [n, 3].
    public var pca: [Float]
    /// [d], in the space of q, k, v or z.
    public var pcaMean: [Double]
    /// [3, d]: PCA coordinate c of a new vector x is row c times (x - mean).
    public var pcaAxes: [Double]
    /// [3]: share of the variance along each axis.
    public var explainedVarianceRatio: [Double]
    /// [n, d]: the points UMAP saw: q, k, v, or z L (see `HeadCloud.outputFactor`).
    public var points: [Float]
    /// One a view, [n, 3] each.
    public var umap: [[Float]]

    /// The cloud of one kind of vector.
    public init(
        pca: [Float], pcaMean: [Double], pcaAxes: [Double], explainedVarianceRatio: [Double],
        points: [Float], umap: [[Float]]
    ) {
        self.pca = pca
        self.pcaMean = pcaMean
        self.pcaAxes = pcaAxes
        self.explainedVarianceRatio = explainedVarianceRatio
        self.points = points
        self.umap = umap
    }
}

/// The clouds of one head over the same n edges.
public struct HeadCloud: Sendable, Equatable {
    /// Sequence id, query and key of each edge.
    public var sequence: [Int]
    public var query: [Int]
    public var key: [Int]
    /// A[q,k].
    public var attention: [Float]
    /// |q|.
    public var norms: [Float]
    /// By the names of `matrixNames`.
    public var matrices: [String: MatrixCloud]
    /// L, [d, d]: z L has the distances of z W_O.
    public var outputFactor: [Double]

    /// The matrices of a cloud.
    public static let matrixNames = ["Q", "K", "O", "V"]

    /// The clouds of one head.
    public init(
        sequence: [Int], query: [Int], key: [Int], attention: [Float], norms: [Float],
        matrices: [String: MatrixCloud], outputFactor: [Double]
    ) {
        self.sequence = sequence
        self.query = query
        self.key = key
        self.attention = attention
        self.norms = norms
        self.matrices = matrices
        self.outputFactor = outputFactor
    }
}

/// One UMAP picture of every cloud.
public struct ProjectionView: Sendable, Equatable {
    public var nNeighbors: Int
    public var minDist: Double

    /// A view with these parameters.
    public init(nNeighbors: Int, minDist: Double) {
        self.nNeighbors = nNeighbors
        self.minDist = minDist
    }
}

/// Writes project.h5 head by head.
public final class ProjectWriter {
    private let output: WorkFileWriter

    /// Starts the file.
    ///
    /// - Parameters:
    ///   - heads: the heads of the scan; those without a cloud are simply not appended.
    ///   - seed: of the fits.
    public init(
        _ path: String, provenance: Provenance, heads: [HeadAddress], views: [ProjectionView],
        seed: UInt64
    ) throws {
        output = try WorkFileWriter(path, schema: .project, provenance: provenance)
        let file = output.file
        try reading { () throws(H5Error) in
            try file.write(heads: heads)
            try file.write(
                views.map(\.nNeighbors), shape: [views.count], to: "views/n_neighbors",
                axes: ["view"], about: "Neighbourhood size of each UMAP view.")
            try file.write(
                views.map(\.minDist), shape: [views.count], to: "views/min_dist", axes: ["view"],
                about: "How close points may lie in each UMAP view.")
            try file.setAttribute("seed", of: "views", to: seed)
            try file.createGroup("clouds")
        }
    }

    /// Appends a head's clouds.
    public func append(_ cloud: HeadCloud, of head: HeadAddress) throws {
        let file = output.file
        try reading { () throws(H5Error) in
            let group = "clouds/\(head)"
            let n = cloud.sequence.count
            func column<T: H5Scalar>(_ values: [T], _ name: String, _ about: String) throws(H5Error)
            {
                try file.write(
                    values, shape: [n], to: "\(group)/\(name)", axes: ["point"], about: about)
            }
            try column(cloud.sequence.map(Int32.init), "sequence", "Sequence id.")
            try column(cloud.query.map(Int32.init), "query", "Query position, from 0.")
            try column(cloud.key.map(Int32.init), "key", "Key position, from 0.")
            try column(cloud.attention, "attention", "A[query, key].")
            try column(cloud.norms, "norm", "Length of the query vector.")
            for name in HeadCloud.matrixNames {
                guard let matrix = cloud.matrices[name] else { continue }
                try write(matrix, "\(group)/\(name)", n: n)
            }
            let d = Int(Double(cloud.outputFactor.count).squareRoot())
            try file.write(
                cloud.outputFactor, shape: [d, d], to: "\(group)/O/factor",
                axes: ["head dimension", "output direction"],
                about: "L: z L has the distances of z W_O; the points of O are z L.")
        }
    }

    private func write(_ matrix: MatrixCloud, _ group: String, n: Int) throws(H5Error) {
        let file = output.file
        let d = matrix.pcaMean.count
        let place = ["point", "coordinate"]
        try file.write(
            matrix.pca, shape: [n, 3], to: "\(group)/pca", axes: place, about: "PCA coordinates.")
        try file.write(
            matrix.pcaMean, shape: [d], to: "\(group)/pca_mean", axes: ["dimension"],
            about: "What PCA subtracts from q, k, v or z.")
        try file.write(
            matrix.pcaAxes, shape: [3, d], to: "\(group)/pca_axes",
            axes: ["coordinate", "dimension"],
            about: "PCA coordinate c is row c times (x - mean).")
        try file.write(
            matrix.explainedVarianceRatio, shape: [3], to: "\(group)/explained_variance_ratio",
            axes: ["coordinate"], about: "Share of the variance along each PCA axis.")
        try file.write(
            matrix.points, shape: [n, n == 0 ? 0 : matrix.points.count / n], to: "\(group)/points",
            axes: ["point", "dimension"], about: "The vectors that UMAP laid out.")
        for (i, view) in matrix.umap.enumerated() {
            try file.write(
                view, shape: [n, 3], to: "\(group)/umap_\(i)", axes: place,
                about: "Coordinates in UMAP view \(i).")
        }
    }

    /// Completes the file.
    public func finish() throws { try output.finish() }
}

/// Reads project.h5 head by head.
public final class ProjectReader {
    /// The scan's facts and the projection stage's own.
    public let provenance: Provenance
    /// The heads of the scan.
    public let heads: [HeadAddress]
    /// The UMAP views; empty with PCA only.
    public let views: [ProjectionView]
    /// The seed of the fits.
    public let seed: UInt64
    /// What the O clouds are of.
    public let output: CloudOutput
    private let file: H5File

    /// Opens the file.
    public init(_ path: String) throws {
        file = try openWorkFile(path, schema: .project)
        let file = file
        (provenance, heads, views, seed, output) = try reading { () throws(H5Error) in
            let neighbors: [Int] = try file.read("views/n_neighbors", shape: [-1])
            let distances: [Double] = try file.finite("views/min_dist", [neighbors.count])
            guard neighbors.allSatisfy({ (1...1 << 20).contains($0) }) else {
                throw file.damaged("views/n_neighbors", "holds what is no number of neighbours")
            }
            let seed: UInt64 = try file.attribute("seed", of: "views")
            let views = zip(neighbors, distances).map {
                ProjectionView(nNeighbors: $0, minDist: $1)
            }
            let provenance = try Provenance(from: file)
            return (
                provenance, try file.readHeads(), views, seed,
                try CloudOutput(provenance, path: path)
            )
        }
    }

    /// Whether the head has clouds.
    public func hasCloud(of head: HeadAddress) throws -> Bool {
        try reading { () throws(H5Error) in try file.exists("clouds/\(head)") }
    }

    /// The clouds of a head.
    public func cloud(of head: HeadAddress) throws -> HeadCloud {
        try reading { () throws(H5Error) in
            let group = "clouds/\(head)"
            let positions = 0..<longestSequence
            let sequence: [Int] = try file.read(
                "\(group)/sequence", shape: [-1], "names a sequence that cannot be",
                where: { $0 >= 0 })
            let n = sequence.count
            var matrices: [String: MatrixCloud] = [:]
            for name in HeadCloud.matrixNames {
                matrices[name] = try matrix("\(group)/\(name)", n: n)
            }
            let d = matrices["O"]?.pcaMean.count ?? 0
            return HeadCloud(
                sequence: sequence,
                query: try file.read(
                    "\(group)/query", shape: [n], "names a position that cannot be",
                    where: positions.contains),
                key: try file.read(
                    "\(group)/key", shape: [n], "names a position that cannot be",
                    where: positions.contains),
                attention: try file.read(
                    "\(group)/attention", shape: [n], "holds what is no attention",
                    where: isAttention),
                norms: try file.finite("\(group)/norm", [n]), matrices: matrices,
                outputFactor: try file.finite("\(group)/O/factor", [d, d]))
        }
    }

    private func matrix(_ group: String, n: Int) throws(H5Error) -> MatrixCloud {
        let mean: [Double] = try file.finite("\(group)/pca_mean", [-1])
        var umap: [[Float]] = []
        for i in views.indices { umap.append(try file.finite("\(group)/umap_\(i)", [n, 3])) }
        return MatrixCloud(
            pca: try file.finite("\(group)/pca", [n, 3]), pcaMean: mean,
            pcaAxes: try file.finite("\(group)/pca_axes", [3, mean.count]),
            explainedVarianceRatio: try file.finite("\(group)/explained_variance_ratio", [3]),
            points: try file.finite("\(group)/points", [n, n == 0 ? -1 : mean.count]), umap: umap)
    }
}
