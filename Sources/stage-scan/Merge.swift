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

    @Argument(help: "The files of all shards.")
    var parts: [String]

    @Option(help: "The file to write.")
    var output: String

    func run() throws {
        try requireOutput(output, apartFrom: parts)
        try PartSet(parts).merge(into: output)
    }
}
