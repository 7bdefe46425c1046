// SPDX-License-Identifier: Apache-2.0
// Small tokenizers of many kinds on hostile texts; see Tests/Generators/train_tokenizers.py.

import Foundation
import TestSupport
import Testing
import Tokenizers

/// The tokenizers of Tests/Generators/train_tokenizers.py.
enum TrainedNames {
    static let folders = [
        "unigram-bytes", "unigram", "precompiled", "bert-uncased", "bert-cased", "accents",
        "suffix",
        "split-merged-with-previous", "split-merged-with-next", "split-contiguous",
        "split-isolated", "falcon", "roberta", "added", "gpt4o", "deepseek", "some-bytes",
    ]

    static let all = folders.map { "trained/\($0)" }
}

@Suite struct `Tokenizers trained for the tests` {
    private struct Expected: Decodable {
        let ids: [[Int32]]
        let decoded: [String]
    }

    private static func decode<T: Decodable>(_ type: T.Type, _ path: String) throws -> T {
        let url = Fixtures.url("tokenizers/trained/\(path)")
        return try JSONDecoder().decode(type, from: Data(contentsOf: url))
    }

    static func texts() throws -> [String] { try decode([String].self, "texts.json") }

    @Test(arguments: TrainedNames.folders)
    func `Every hostile text has the reference's ids and decodes to its text`(
        name: String
    ) throws {
        let tokenizer = try Oracle.tokenizer("trained/\(name)")
        let expected = try Self.decode(Expected.self, "\(name)/expected.json")
        let texts = try Self.texts()
        #expect(texts.count == expected.ids.count)
        for (text, ids) in zip(texts, expected.ids) {
            let own = tokenizer.encodeWithSpecialTokens(text)
            #expect(own == ids, "\(name): \(text.escaped)")
        }
        for (index, decoded) in expected.decoded.enumerated() {
            let own = tokenizer.decode(expected.ids[index])
            #expect(
                own.utf8.elementsEqual(decoded.utf8),
                "\(name): \(texts[index].escaped): \(own.escaped), not \(decoded.escaped)")
        }
    }
}
