// SPDX-License-Identifier: Apache-2.0
// stage-dictionary merge: arguments, one call, one report.

import ArgumentParser
import Foundation
import Stages

struct Merge: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Makes the evidence of all layers of the parts that stage-dictionary evidence --shard wrote.",
        discussion: """
            The parts may be given in any order and must be all of one run: same model, corpus, \
            dictionaries and parameters. The files are those of a run without --shard, byte for byte.
            """)

    @OptionGroup var parts: PartArguments

    @Option(help: "The folder to write the layers' files to.")
    var outputFolder: String

    func run() throws {
        try EvidenceParts(parts.paths).merge(into: URL(filePath: outputFolder))
    }
}
