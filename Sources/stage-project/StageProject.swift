// SPDX-License-Identifier: Apache-2.0
// work/scan.h5 becomes work/project.h5: PCA and UMAP of each head's q, k, v and outputs.

import ArgumentParser
import Foundation
import Projection
import Stages
import Transformer
import WorkFiles

@main
struct StageProject: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage-project",
        abstract: "Projects the strongest edges of every studied head to three dimensions.",
        discussion: """
            Each point is one strong attention edge (sequence, q, k); its query, key, value and \
            output vectors make four clouds.
            """,
        version: toolVersion)

    @Option(help: "The scan to read.")
    var scan: String

    @Option(help: "Points of each head, at most.")
    var points = 5000

    @Option(help: "UMAP views as neighbours:distance, apart by spaces.")
    var views = "15:0.1"

    @Option(help: "What the O clouds are of: query (all that a head puts out there) or edge (A v).")
    var cloudOutput = "query"

    @Flag(help: "Leave out UMAP.")
    var pcaOnly = false

    @Option(help: "Seed of the fits.")
    var seed: UInt64 = 0

    @OptionGroup var workers: WorkerArguments

    @Option(help: "The file to write.")
    var output: String

    func run() throws {
        try requireOutput(output, apartFrom: [scan])
        let scan = try ScanFile(scan)
        guard (1...1_000_000).contains(points) else {
            throw ValidationError("--points must be from 1 to 1000000, not \(points).")
        }
        guard let cloudOutput = CloudOutput(rawValue: cloudOutput) else {
            throw ValidationError(
                "--cloud-output must be query or edge, not \"\(self.cloudOutput)\".")
        }
        let views = pcaOnly ? [] : try parsedViews()
        var provenance = scan.header.provenance
        provenance["n_points"] = .int(points)
        provenance["views"] = .text(pcaOnly ? "" : self.views)
        provenance.note(cloudOutput)
        provenance["projection_seed"] = .text(String(seed))
        let writer = try ProjectWriter(
            output, provenance: provenance, heads: scan.header.heads, views: views, seed: seed)
        let projector = try Projector(
            scan, points: points, views: views, output: cloudOutput, seed: seed,
            workers: workers.count)
        try projector.run { try writer.append($0, of: $1) }
        try writer.finish()
    }

    private func parsedViews() throws -> [ProjectionView] {
        try views.split(separator: Character(" ")).map { (word: Substring) in
            let parts = word.split(
                separator: Character(":"), omittingEmptySubsequences: false)
            guard parts.count == 2, let neighbors = Int(parts[0]),
                let distance = Double(String(parts[1]))
            else {
                throw ValidationError(
                    "--views: \"\(word)\" is not a view; write neighbours:distance, such as 15:0.1."
                )
            }
            do { _ = try UMAP(nNeighbors: neighbors, minDist: distance, seed: seed) } catch {
                throw ValidationError("--views: \(error)")
            }
            return ProjectionView(nNeighbors: neighbors, minDist: distance)
        }
    }
}
