// SPDX-License-Identifier: Apache-2.0
// stage-dictionary: sparse dictionaries of features, what they mean, and what they explain.

import ArgumentParser
import Stages

@main
struct StageDictionary: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage-dictionary",
        abstract: "Trains sparse dictionaries and explains attention with their features.",
        version: toolVersion,
        subcommands: [Train.self, Evidence.self, Merge.self, Attribute.self, Layers.self])
}
