// SPDX-License-Identifier: Apache-2.0
// Writes the files of a tree, the heads' files by several workers.

import DataTree
import Foundation
import Stages
import Synchronization
import Tensors
import Transformer
import WorkFiles

/// Turns work files into the files of a tree.
struct Emitter {
    let work: WorkSet
    let tree: TreeReplacement

    func run() throws {
        let heads = work.scan.header.heads
        let builder = try HeadPayloadBuilder(work)
        let clouds = try CloudEmitter(work: work, tree: tree)
        try clouds.run()
        try tree.write(config(umapHeads: clouds.heads).json(), to: "config.json")
        try tree.write(ScatterRow.json(scatterRows()), to: "scatter_data.json")
        try tree.keep("custom_sequences")
        try tree.keep("attributions")
        if let manifest = tree.current("attributions/manifest.json") {
            try tree.write([UInt8](manifest), to: "attributions/manifest.json")
        } else {
            try tree.write(Array("{}".utf8), to: "attributions/manifest.json")
        }
        let server = tree.current("server_config.json") ?? Data("{}".utf8)
        try tree.write([UInt8](server), to: "server_config.json")

        let workers = ProcessInfo.processInfo.activeProcessorCount
        var progress = Progress("emitting", unit: "heads", total: heads.count)
        for first in stride(from: 0, to: heads.count, by: 2 * workers) {
            let batch = first..<min(first + 2 * workers, heads.count)
            // HDF5 is read by one thread; formatting is what takes the time.
            let payloads = try batch.map { try builder.payload($0) }
            let failure = Mutex<(any Error)?>(nil)
            share(batch.count, among: workers) { _, i in
                do {
                    try tree.write(payloads[i].json(), to: "heads/\(heads[first + i]).json")
                } catch {
                    failure.withLock { $0 = error }
                }
            }
            if let error = failure.withLock({ $0 }) { throw error }
            progress.update(batch.upperBound)
        }
        progress.finish(heads.count)
    }

    private func scatterRows() -> [ScatterRow] {
        work.scan.header.heads.enumerated().map { h, address in
            ScatterRow(
                layer: address.layer, head: address.head,
                metrics: work.metrics.metrics.map {
                    ($0.name, $0.values[h], $0.standardErrors[h])
                })
        }
    }

    private func config(umapHeads: [HeadAddress]) -> ConfigPayload {
        let header = work.scan.header
        return ConfigPayload(
            modelName: header.model.name, heads: header.heads.map { ($0.layer, $0.head) },
            nLayers: header.model.nLayers, nHeads: header.model.nHeads,
            nIntervals: header.nIntervals,
            metrics: work.metrics.metrics.map { ($0.name, $0.about) },
            umapHeads: umapHeads.map { ($0.layer, $0.head) },
            plots: HeadPayloadBuilder.plots, tables: HeadPayloadBuilder.tables,
            statistics: HeadPayloadBuilder.statistics(work.metrics),
            defaultX: "previous_token_score", defaultY: "induction_score",
            defaultColor: "pattern_entropy",
            provenance: work.provenance.facts.map { fact in
                switch fact.value {
                case .text(let text): return (fact.name, .text(text))
                case .int(let int): return (fact.name, .int(int))
                case .number(let number): return (fact.name, .number(number))
                }
            })
    }
}
