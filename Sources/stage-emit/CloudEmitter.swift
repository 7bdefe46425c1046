// SPDX-License-Identifier: Apache-2.0
// Writes the clouds of a tree, with what people saved in them.

import DataTree
import Foundation
import JSON
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
        var payload = CloudPayload(cloud, views: views)
        if let bytes = tree.current("umap/\(head).json"), let old = try? JSONText([UInt8](bytes)) {
            let saved = { (name: String) in
                old.member(name, of: old.root).map { [UInt8](old.bytes[$0]) }
            }
            payload.clusters = saved("clusters") ?? payload.clusters
            payload.projectedPoints = saved("projected_points") ?? payload.projectedPoints
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
