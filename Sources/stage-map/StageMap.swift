// SPDX-License-Identifier: Apache-2.0
// work/scan.h5 and work/weights.h5 become work/map.h5: which heads are alike, and maps of all of them.

import ArgumentParser
import HeadMaps
import Stages
import Transformer
import UserErrors
import WorkFiles

@main
struct StageMap: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage-map",
        abstract:
            "Lays out the studied heads by the likeness of their patterns and by composition.",
        discussion: "The formulas are in Sources/HeadMaps and docs/insight.md.",
        version: toolVersion)

    @Option(help: "The scan to read.")
    var scan: String

    @Option(help: "The weights' numbers; without them there is no map by composition.")
    var weights: String?

    @Option(help: "The file to write.")
    var output: String

    /// How many heads are listed as like each.
    private static let neighborCount = 20

    func run() throws {
        try requireOutput(output, apartFrom: [scan] + (weights.map { [$0] } ?? []))
        let scan = try ScanFile(scan)
        let heads = scan.header.heads
        let likeness = PatternLikeness(try scan.likeness())
        var layouts = [try layout(likeness)]
        if let path = weights {
            let weights = try WeightsFile(path)
            guard
                weights.provenance.text("model_sha256")
                    == scan.header.provenance.text("model_sha256")
            else {
                throw UserError(
                    "\(path): is of another model than \(self.scan); run stage-weights again.")
            }
            layouts.append(try layout(weights, heads))
        }
        let count = min(Self.neighborCount, heads.count - 1)
        let neighbors = heads.indices.flatMap { likeness.neighbors(of: $0, count: count) }
        try MapFile(
            provenance: scan.header.provenance, heads: heads, layouts: layouts,
            neighborCount: count, neighbors: neighbors.map { Int32($0.head) },
            likeness: neighbors.map(\.likeness),
            standardErrors: neighbors.map { $0.standardError ?? .nan }
        ).write(to: output)
    }

    private func layout(_ likeness: PatternLikeness) throws -> MapFile.Layout {
        let layout = try HeadLayout.scaling(likeness.values, heads: likeness.heads)
        return MapFile.Layout(
            name: "likeness",
            about:
                "Classical scaling of the likeness of patterns: heads that attend alike, position 0 left out, lie together.",
            coordinates: layout.coordinates, weights: layout.weights)
    }

    private func layout(_ weights: WeightsFile, _ heads: [HeadAddress]) throws -> MapFile.Layout {
        let strength = CompositionStrength(weights)
        let n = heads.count
        var affinity = [Double](repeating: 0, count: n * n)
        for i in 0..<n {
            for j in 0..<i {
                affinity[i * n + j] = strength.affinity(heads[j], heads[i])
                affinity[j * n + i] = affinity[i * n + j]
            }
        }
        let layout = try HeadLayout.spectral(affinity, heads: n)
        return MapFile.Layout(
            name: "composition",
            about:
                "Spectral layout of how strongly heads compose through their weights: heads that work together lie together.",
            coordinates: layout.coordinates, weights: layout.weights)
    }
}
