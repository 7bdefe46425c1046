// SPDX-License-Identifier: Apache-2.0
// Computes clouds, several at the same time, and hands them over in the order of the heads.

import Projection
import Stages
import Synchronization
import Tensors
import Transformer
import UserErrors
import WorkFiles

/// Projects the heads of a scan.
struct Projector {
    private let scan: ScanFile
    private let edges: EdgeTable
    private let points: Int
    private let views: [ProjectionView]
    private let output: CloudOutput
    private let seed: UInt64
    private let workers: Int

    init(
        _ scan: ScanFile, points: Int, views: [ProjectionView], output: CloudOutput, seed: UInt64,
        workers: Int
    ) throws {
        self.scan = scan
        edges = try scan.edges()
        self.points = points
        self.views = views
        self.output = output
        self.seed = seed
        self.workers = workers
    }

    /// Calls `body` with each head's clouds. A head that cannot have any is reported and left out.
    func run(_ body: (HeadCloud, HeadAddress) throws -> Void) throws {
        let heads = scan.header.heads
        let clouds = heads.count * HeadCloud.matrixNames.count
        var progress = Progress("projecting", unit: "clouds", total: clouds)
        for first in stride(from: 0, to: heads.count, by: workers) {
            let batch = first..<min(first + workers, heads.count)
            // HDF5 is read by one thread; the fits take the time.
            var inputs: [(edges: HeadEdges, output: [Float])] = []
            for head in batch {
                inputs.append(
                    (
                        try edges.edges(ofHead: head).strongest(points, dHead: dHead),
                        try scan.outputWeights(ofHead: head)
                    ))
            }
            let results = Mutex([Int: Result<MatrixCloud, any Error>]())
            let names = HeadCloud.matrixNames
            share(batch.count * names.count, among: workers) { _, job in
                let input = inputs[job / names.count]
                let result = Result { () throws in
                    try matrix(names[job % names.count], input.edges, input.output)
                }
                results.withLock { $0[job] = result }
            }
            for (i, head) in batch.enumerated() {
                let matrices = results.withLock { results in
                    names.indices.map { results[i * names.count + $0] }
                }
                if let cloud = try assemble(inputs[i], matrices, of: heads[head]) {
                    try body(cloud, heads[head])
                }
            }
            progress.update(batch.upperBound * names.count)
        }
        progress.finish(clouds)
    }

    private var dHead: Int { scan.header.model.dHead }

    /// One cloud: PCA, then every view.
    private func matrix(
        _ name: String, _ edges: HeadEdges, _ output: [Float]
    ) throws -> MatrixCloud {
        let vectors: [Float] =
            switch name {
            case "Q": edges.q
            case "K": edges.k
            case "V": edges.v
            default: self.output.vectors(z: edges.z, v: edges.v, attention: edges.attention)
            }
        let original = try Points(vectors, dimensions: dHead)
        var laidOut = original
        let pca: PCA
        if name == "O" {
            let image = try LinearImage(
                output, inputDimensions: dHead, outputDimensions: scan.header.model.dModel)
            let moments = Moments(of: original)
            pca = try PCA(mean: moments.mean, covariance: moments.covariance, image: image)
            laidOut = try image.coordinates(of: original)
        } else {
            pca = try PCA(original)
        }
        var umap: [[Float]] = []
        for view in views {
            let fit = try UMAP(nNeighbors: view.nNeighbors, minDist: view.minDist, seed: seed)
            umap.append(try fit.fit(laidOut).embedding)
        }
        return MatrixCloud(
            pca: try pca.transform(original), pcaMean: pca.mean, pcaAxes: pca.axes,
            explainedVarianceRatio: pca.explainedVarianceRatio, points: laidOut.values, umap: umap)
    }

    private func assemble(
        _ input: (edges: HeadEdges, output: [Float]),
        _ results: [Result<MatrixCloud, any Error>?], of head: HeadAddress
    ) throws -> HeadCloud? {
        guard !input.edges.sequence.isEmpty else {
            note("warning: \(head) has no edges in the scan, so it gets no cloud.")
            return nil
        }
        var matrices: [String: MatrixCloud] = [:]
        for (name, result) in zip(HeadCloud.matrixNames, results) {
            switch result {
            case .success(let matrix)?: matrices[name] = matrix
            case .failure(let error)?:
                note("warning: \(head) gets no cloud: \(error)")
                return nil
            case nil: return nil
            }
        }
        let image = try LinearImage(
            input.output, inputDimensions: dHead, outputDimensions: scan.header.model.dModel)
        let edges = input.edges
        let norms = edges.sequence.indices.map { i in
            edges.q[i * dHead..<(i + 1) * dHead].reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
        return HeadCloud(
            sequence: edges.sequence, query: edges.query, key: edges.key,
            attention: edges.attention, norms: norms, matrices: matrices,
            outputFactor: image.factor)
    }
}

extension HeadEdges {
    /// The `count` strongest edges (of equals the first), in the order of sequence, query and key.
    fileprivate func strongest(_ count: Int, dHead: Int) -> HeadEdges {
        let kept = sequence.indices.sorted {
            strength[$0] == strength[$1] ? $0 < $1 : strength[$0] > strength[$1]
        }.prefix(count).sorted {
            (sequence[$0], query[$0], key[$0]) < (sequence[$1], query[$1], key[$1])
        }
        func rows(_ vectors: [Float]) -> [Float] {
            kept.flatMap { vectors[$0 * dHead..<($0 + 1) * dHead] }
        }
        return HeadEdges(
            sequence: kept.map { sequence[$0] }, query: kept.map { query[$0] },
            key: kept.map { key[$0] }, attention: kept.map { attention[$0] },
            strength: kept.map { strength[$0] }, q: rows(q), k: rows(k), v: rows(v), z: rows(z))
    }
}
