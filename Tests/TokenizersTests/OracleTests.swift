// SPDX-License-Identifier: Apache-2.0
// Ids, decoded texts and display strings against those of Hugging Face's tokenizers.

import Foundation
import TestSupport
import Testing
import Tokenizers

@Suite struct `Ids of Hugging Face tokenizers` {
    @Test(arguments: ["gpt2", "smollm2", "minilm", "llama3", "qwen2", "llama2", "gemma"])
    func `Every text has the reference's ids`(name: String) throws {
        let tokenizer = try Oracle.tokenizer(name)
        let texts = try Oracle.texts(name)
        #expect(texts.count == 179)
        for text in texts {
            let ids = tokenizer.encodeWithSpecialTokens(text.text)
            #expect(ids == text.ids, "\(name): \(text.text.escaped)")
        }
    }

    @Test(arguments: ["gpt2", "smollm2", "minilm"])
    func `Every sequence decodes to the reference's text`(name: String) throws {
        let tokenizer = try Oracle.tokenizer(name)
        for text in try Oracle.texts(name) {
            let decoded = try #require(text.decoded)
            #expect(
                tokenizer.decode(text.ids).utf8.elementsEqual(decoded.utf8), "\(text.text.escaped)")
        }
    }

    @Test(arguments: ["gpt2-tiny", "llama-tiny", "smollm2", "minilm"])
    func `Prompts have the reference's ids`(name: String) throws {
        let prompt = try Oracle.prompt(name)
        let tokenizer = try Oracle.tokenizer(name)
        #expect(tokenizer.encodeWithSpecialTokens(prompt.text) == prompt.ids)
    }

    @Test func `A WordLevel tokenizer has whole words`() throws {
        let tokenizer = try Oracle.tokenizer("induction")
        #expect(tokenizer.encode("cat dog  sun\nmoon unheard-of") == [0, 1, 2, 3, 0])
        #expect(tokenizer.decode([1, 2]) == "dog sun")
        #expect(tokenizer.display(3) == "moon")
        #expect(tokenizer.vocabularySize == 128)
        #expect(tokenizer.beginningOfSequence == nil)
    }
}
