// SPDX-License-Identifier: Apache-2.0
// Which of several dictionaries for a layer a program uses.

import ArgumentParser
import FeatureDictionaries
import Foundation

/// The options that choose among dictionaries.
public struct DictionaryArguments: ParsableArguments {
    @Option(help: "Of several dictionaries for a layer, the one with so many features: 16k, 16384.")
    public var dictionaryWidth: String?

    @Option(help: "Of several, the one with so many features a token, or so called: 71, small.")
    public var dictionaryL0: String?

    public init() {}

    /// What they choose.
    public var choice: DictionaryChoice {
        DictionaryChoice(width: dictionaryWidth, l0: dictionaryL0)
    }
}

/// The options that choose among dictionaries, and say where their features are described.
public struct DescribedDictionaryArguments: ParsableArguments {
    @OptionGroup var dictionary: DictionaryArguments

    @Option(
        help:
            "Descriptions of features: a .jsonl file, plain or .gz, or a folder of Neuronpedia's exports (default: beside each dictionary)."
    )
    public var descriptions: String?

    public init() {}

    /// What they choose.
    public var choice: DictionaryChoice {
        var choice = dictionary.choice
        choice.descriptions = descriptions.map { URL(filePath: $0) }
        return choice
    }
}
