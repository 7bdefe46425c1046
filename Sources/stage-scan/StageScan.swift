// SPDX-License-Identifier: Apache-2.0
// The only forward pass: a model and a corpus become work/scan.h5.

import ArgumentParser
import Stages

@main
struct StageScan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage-scan",
        abstract: "Runs a corpus through a model and keeps what its attention heads did.",
        version: toolVersion,
        subcommands: [Run.self, Merge.self, Dump.self, Compare.self, Tokenize.self],
        defaultSubcommand: Run.self)
}
