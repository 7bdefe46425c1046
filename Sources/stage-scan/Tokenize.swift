// SPDX-License-Identifier: Apache-2.0
// stage-scan tokenize: ids and display strings of lines of text, as JSON.

import ArgumentParser
import Foundation
import Stages

struct Tokenize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints ids and display strings as one line of JSON for each line of input.")

    @Option(help: "A Hugging Face model folder, or a .gguf file.")
    var model: String

    @Flag(help: "Add what the tokenizer's post-processor puts around a sequence.")
    var specialTokens = false

    private struct Line: Encodable {
        let ids: [Int32]
        let tokens: [String]
    }

    func run() throws {
        let tokenizer = try LoadedModel.tokenizer(of: model)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        while let text = readLine() {
            let ids =
                specialTokens ? tokenizer.encodeWithSpecialTokens(text) : tokenizer.encode(text)
            let line = Line(ids: ids, tokens: ids.map(tokenizer.display))
            print(String(decoding: try encoder.encode(line), as: UTF8.self))
        }
    }
}
