// SPDX-License-Identifier: Apache-2.0
// Tokenizers whose files need more than their vocabulary: by class, by declared tokens, by what GGUF holds.

import Foundation
import TestSupport
import Testing
import Tokenizers
import UserErrors

@Suite struct CaseTests {
    private struct Row: Decodable {
        let text: String
        let ids: [Int32]
    }

    @Test(arguments: ["added_tokens_decoder", "qwen2_vocab_merges"])
    func `ids are those of the reference`(name: String) throws {
        let folder = Fixtures.url("cases/tokenizers/\(name)")
        let tokenizer = try Tokenizer(folder: folder)
        let rows = try JSONDecoder().decode(
            [Row].self, from: try Data(contentsOf: folder.appending(path: "tokenization.json")))
        for row in rows {
            #expect(tokenizer.encodeWithSpecialTokens(row.text) == row.ids, "\(row.text)")
        }
    }

    @Test func `a class that needs more than its files is refused by name`() {
        let error = #expect(throws: UserError.self) {
            try Tokenizer(folder: Fixtures.url("cases/tokenizers/bert_japanese"))
        }
        #expect(error?.description.contains("BertJapaneseTokenizer") == true)
    }

    @Test(
        arguments: [
            (#"{"add_bos_token": false}"#, false), (#"{"add_bos_token": true}"#, true),
            (#"{"bos_token": null}"#, false), (#"{}"#, nil),
        ] as [(String, Bool?)])
    func `whether sequences begin with BOS is what the tokenizer states`(
        config: String, states: Bool?
    ) throws {
        try withTemporaryFolder { folder in
            for (name, text) in [
                ("vocab.json", #"{"a":0,"<|endoftext|>":1}"#), ("merges.txt", ""),
                ("tokenizer_config.json", config),
            ] {
                try Data(text.utf8).write(to: folder.appending(path: name))
            }
            #expect(try Tokenizer(folder: folder).takesBeginning == states)
        }
    }
}
