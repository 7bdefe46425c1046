// SPDX-License-Identifier: Apache-2.0
// Writes the clouds of a tree, with what people saved in them.

import DataTree
import Foundation
import Stages
import Transformer
import UserErrors
import WorkFiles

/// Turns project.h5 into the files under umap/.
struct CloudEmitter {
    /// The heads that have a cloud.
    let heads: [HeadAddress]
    private let work: WorkSet
    private let tree: TreeReplacement

    init(work: WorkSet, tree: TreeReplacement) throws {
        self.work = work
        self.tree = tree
        heads =
            try work.project.map { project in
                try work.scan.header.heads.filter { try project.hasCloud(of: $0) }
            } ?? []
    }

    func run() throws {
        var shown = Set<Int>()
        if let project = work.project {
            for head in heads {
                let cloud = try project.cloud(of: head)
                let isSound = cloud.sequence.indices.allSatisfy {
                    let length = work.scan.length(of: cloud.sequence[$0]) ?? 0
                    return cloud.query[$0] < length && cloud.key[$0] < length
                }
                guard isSound else {
                    throw UserError(
                        "the projection of \(head) has points that are not in the scan's sequences; run stage-project again."
                    )
                }
                shown.formUnion(cloud.sequence)
                try tree.write(
                    payload(cloud, head, views: project.views).json(), to: "umap/\(head).json")
            }
        }
        // Clouds that are not shown any more keep what was saved in them.
        try tree.keep("umap")
        try writeSequences(shown.sorted())
    }

    private func payload(
        _ cloud: HeadCloud, _ head: HeadAddress, views: [ProjectionView]
    ) -> CloudPayload {
        let matrices = HeadCloud.matrixNames.compactMap { name in
            cloud.matrices[name].map { (name, $0) }
        }
        var payload = CloudPayload(
            sequence: cloud.sequence, query: cloud.query, key: cloud.key,
            attention: cloud.attention, norms: cloud.norms,
            pca: matrices.map { ($0, $1.pca) },
            explainedVariance: matrices.map { ($0, $1.explainedVarianceRatio) },
            views: views.enumerated().map { i, view in
                (view.nNeighbors, view.minDist, matrices.map { ($0, $1.umap[i]) })
            })
        if let old = tree.current("umap/\(head).json").flatMap(JSONMembers.init) {
            if let clusters = old["clusters"] { payload.clusters = [UInt8](clusters) }
            if let points = old["projected_points"] { payload.projectedPoints = [UInt8](points) }
        }
        return payload
    }

    private func writeSequences(_ sequences: [Int]) throws {
        var json = JSONWriter()
        json.object { json in
            for sequence in sequences {
                json.key(String(sequence))
                json.strings(work.scan.displayTokens(of: sequence))
            }
        }
        try tree.write(json.bytes, to: "umap/sequences.json")
    }
}
