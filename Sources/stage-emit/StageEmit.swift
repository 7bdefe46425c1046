// SPDX-License-Identifier: Apache-2.0
// The work files become the data tree.

import ArgumentParser
import DataTree
import Foundation
import JSON
import Stages
import UserErrors

@main
struct StageEmit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage-emit",
        abstract: "Writes the data tree that the page and other clients read.",
        discussion: """
            The new tree takes the old one's place in one step. What people made in the old one \
            (custom sequences, attributions, clusters, projected points) is kept for the same model.
            """,
        version: toolVersion)

    @Option(help: "The scan.")
    var scan: String

    @Option(help: "The metrics of that scan.")
    var metrics: String

    @Option(help: "The samples of that scan.")
    var sample: String

    @Option(help: "The projection of that scan; without it the tree has no clouds.")
    var project: String?

    @Option(
        help: "What the model's weights say of its heads; without it the tree tells no circuits.")
    var weights: String?

    @Option(help: "What the heads of that scan write; without it the tree does not tell.")
    var writes: String?

    @Option(
        help: "Which heads of that scan are alike; without it the tree has no map of heads.")
    var map: String?

    @Option(
        help:
            "What its heads do on repeated random tokens; without it the tree lacks those metrics.")
    var probe: String?

    @Option(help: "Answers about heads; the tree keeps those that it has already.")
    var lab: String?

    @Option(help: "The folder to write.")
    var data: String

    @OptionGroup var workers: WorkerArguments

    func run() throws {
        let work = try WorkSet(
            scan: scan, metrics: metrics, sample: sample, project: project, weights: weights,
            writes: writes, map: map, probe: probe, lab: lab)
        let tree = try TreeReplacement(of: URL(filePath: data))
        try makeRoom(tree, for: work.modelHash)
        let emitter = Emitter(work: work, tree: tree, workers: workers.count)
        try emitter.run()
        try tree.finish()
    }

    /// Refuses to mix two models' trees, and to replace a folder that is something else.
    private func makeRoom(_ tree: TreeReplacement, for modelHash: String) throws {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: tree.url.path)) ?? []
        guard !names.allSatisfy(Self.isLock) else { return }
        guard let config = tree.current("config.json") else {
            throw UserError(
                "\(data): is a folder with other things in it; set DATA to a new or empty folder.")
        }
        let old = try? JSONDecoder().decode(OldConfig.self, checking: [UInt8](config))
        guard old?.pipeline_config?.model_sha256 != modelHash else { return }
        throw UserError(
            "\(data): holds the tree of another model (\(old?.model_name ?? "unknown")); set DATA to another folder, or run make set-aside to move that tree to a free name."
        )
    }

    /// Whether a file is a lock or a note of who is at work, of a tree that is or was within the folder.
    private static func isLock(_ name: String) -> Bool {
        name.hasPrefix(".") && [".lock", ".run"].contains { name.hasSuffix($0) }
    }

    private struct OldConfig: Decodable {
        struct Pipeline: Decodable { let model_sha256: String? }
        let model_name: String?
        let pipeline_config: Pipeline?
    }
}
