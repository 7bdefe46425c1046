// SPDX-License-Identifier: Apache-2.0
// stage-scan merge: arguments, one call, one report.

import ArgumentParser
import Stages

struct Merge: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes one scan of the parts that stage-scan run --shard wrote.",
        discussion: """
            The parts may be given in any order and must be all of one run: same model, corpus and \
            parameters. The scan is that of a run without --shard, byte for byte.
            """)

    @OptionGroup var parts: PartArguments

    @Option(help: "The file to write.")
    var output: String

    func run() throws {
        let paths = parts.paths
        try requireOutput(output, apartFrom: paths)
        try PartSet(paths).merge(into: output)
    }
}
