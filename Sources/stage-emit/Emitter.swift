// SPDX-License-Identifier: Apache-2.0
// Writes the files of a tree, the heads' files by several workers.

import DataTree
import Foundation
import JSON
import Stages
import Synchronization
import Tensors
import Transformer
import WorkFiles

/// Turns work files into the files of a tree.
struct Emitter {
    let work: WorkSet
    let tree: TreeReplacement
    let workers: Int

    func run() throws {
        let heads = work.scan.header.heads
        let builder = try HeadPayloadBuilder(work)
        let clouds = try CloudEmitter(work: work, tree: tree)
        try clouds.run()
        try tree.write(config(umapHeads: clouds.heads).json(), to: "config.json")
        let rows = scatterRows()
        try tree.write(ScatterRow.json(rows), to: "scatter_data.json")
        try tree.write(ScatterRow.errorsJSON(rows), to: "scatter_errors.json")
        if let map = work.map { try tree.write(payload(map).json(), to: "head_map.json") }
        try tree.keep("custom_sequences")
        for (path, empty) in PeopleFiles.empty {
            try tree.write([UInt8](tree.current(path) ?? Data(empty.utf8)), to: path)
        }
        try keepAttributions()
        try writeLab()
        let server = tree.current("server_config.json") ?? Data("{}".utf8)
        try tree.write([UInt8](server), to: "server_config.json")

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
        try tree.keepOthers(isOurs: Self.isOurs)
    }

    /// Whether a path within a tree is of a file that an emit writes or decides about; anything else in it is
    /// somebody's own.
    private static func isOurs(_ path: String) -> Bool {
        let head = "L[0-9]+H[0-9]+"
        let patterns = [
            "config\\.json", "head_map\\.json", "scatter_data\\.json", "scatter_errors\\.json",
            "server_config\\.json",
            "(heads|umap)/\(head)\\.json", "umap/sequences\\.json",
            "lab/(manifest|[0-9a-f]{16})\\.json",
            "attributions/(manifest|(qk|ov)/\(head)S[^/]*Q[0-9]+K[0-9]+)\\.json",
        ]
        return patterns.contains {
            path.range(of: "^\($0)$", options: .regularExpression) != nil
        }
    }

    /// Keeps the attributions whose sequences are still the same ones: those of custom sequences if the
    /// model is the same, those of the corpus if all that makes its sequences is.
    private func keepAttributions() throws {
        let (isSameModel, isSameCorpus) = (isUnchanged(["model_sha256"]), isUnchanged(Self.corpus))
        let isKept = { (sequence: SequenceID) in
            if case .custom = sequence { isSameModel } else { isSameModel && isSameCorpus }
        }
        let old = tree.current(AttributionManifest.path).map { [UInt8]($0) }
        var manifest = try AttributionManifest(old)
        manifest.keep(where: isKept)
        try tree.write(manifest.json(), to: AttributionManifest.path)
        for kind in ["qk", "ov"] {
            try tree.keep("attributions/\(kind)") { name in
                AttributionManifest.edge(ofFile: name).map { isKept($0.sequence) } ?? true
            }
        }
    }

    /// Keeps the answers of the lab that are still true, and adds those of lab.h5.
    private func writeLab() throws {
        let (isSameModel, isSameCorpus) = (isUnchanged(["model_sha256"]), isUnchanged(Self.corpus))
        var manifest = try LabManifest(tree.current(LabManifest.path).map { [UInt8]($0) })
        manifest.keep { isSameModel && (isSameCorpus || !$0.corpus) }
        let kept = Set(manifest.answers.map { "\($0.id).json" })
        for answer in work.lab?.answers ?? [] {
            let record = try LabAnswer(answer)
            guard !record.entry.corpus || work.labIsOfCorpus else { continue }
            manifest.add(record.entry)
            try tree.write(record.file, to: LabManifest.path(answer.id))
        }
        guard !manifest.answers.isEmpty else { return }
        try tree.keep("lab", where: kept.contains)
        try tree.write(manifest.json(), to: LabManifest.path)
    }

    /// What decides which tokens a sequence's number stands for.
    private static let corpus = LabFile.corpusFacts + ["model_sha256"]

    /// Whether the tree that is there now came from the same of these facts.
    private func isUnchanged(_ facts: [String]) -> Bool {
        guard let config = tree.current("config.json"),
            (try? JSONText([UInt8](config))) != nil,
            let object = try? JSONSerialization.jsonObject(with: config) as? [String: Any],
            let old = object["pipeline_config"] as? [String: Any]
        else { return false }
        return facts.allSatisfy { name in
            switch work.provenance[name] {
            case .text(let text): old[name] as? String == text
            case .int(let int): old[name] as? Int == int
            case .number(let number): old[name] as? Double == number
            case nil: old[name] == nil
            }
        }
    }

    private func payload(_ map: MapFile) -> HeadMapPayload {
        HeadMapPayload(
            heads: map.heads.map { ($0.layer, $0.head) },
            layouts: map.layouts.map { layout in
                HeadMapPayload.Layout(
                    name: layout.name, about: layout.about,
                    coordinates: map.heads.indices.map {
                        Array(layout.coordinates[$0 * 3..<($0 + 1) * 3])
                    },
                    weights: layout.weights)
            })
    }

    private func scatterRows() -> [ScatterRow] {
        let columns = work.metricColumns
        return work.scan.header.heads.enumerated().map { h, address in
            ScatterRow(
                layer: address.layer, head: address.head,
                metrics: columns.map {
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
            metrics: work.metricColumns.map { ($0.name, $0.about) },
            umapHeads: umapHeads.map { ($0.layer, $0.head) }, hasHeadMap: work.map != nil,
            plots: HeadPayloadBuilder.plots, tables: HeadPayloadBuilder.tables,
            statistics: HeadPayloadBuilder.statistics(work.metrics),
            defaultX: "previous_token_score", defaultY: "induction_score",
            defaultColor: "pattern_entropy",
            provenance: work.provenance)
    }
}
