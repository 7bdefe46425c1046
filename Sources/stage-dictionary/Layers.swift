// SPDX-License-Identifier: Apache-2.0
// stage-dictionary layers: which layers a choice of layers and heads means.

import ArgumentParser
import Stages
import Transformer

struct Layers: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints the layers that hold the studied heads.",
        discussion: "For make, which needs one dictionary for each of them.")

    @Option(help: "A Hugging Face model folder, or a .gguf file.")
    var model: String

    @Option(help: "Layers to study: numbers, or all.")
    var layers = ""

    @Option(help: "Single heads to study, such as \"5.1 8.3\".")
    var heads = ""

    func run() throws {
        let loaded = try LoadedModel(opening: model)
        let selection = try HeadSelection(
            layers: layers, heads: heads, of: loaded.model.description)
        print(Set(selection.heads.map(\.layer)).sorted().map(String.init).joined(separator: " "))
    }
}
