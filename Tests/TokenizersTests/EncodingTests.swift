// SPDX-License-Identifier: Apache-2.0
// Limits, long texts, display strings and special tokens.

import Foundation
import TestSupport
import Testing
import Tokenizers

@Suite struct `Encoding and display` {
    static let names = ["gpt2", "smollm2", "minilm", "llama3", "qwen2", "llama2", "gemma"]

    /// Several kilobytes that mix all the oracle's texts.
    private static func longText() throws -> String {
        let texts = try Oracle.texts("gpt2").map(\.text)
        return (0..<4).map { _ in texts.joined(separator: " ") }.joined(separator: "\n")
    }

    @Test(arguments: names + TrainedNames.all)
    func `A limit gives the first ids of the whole text`(name: String) throws {
        let tokenizer = try Oracle.tokenizer(name)
        let text = try Self.longText()
        let all = tokenizer.encode(text)
        #expect(all.count > 2000)
        for limit in [0, 1, 2, 3, 7, 50, 256, 700, 1500, all.count, .max] {
            #expect(tokenizer.encode(text, limit: limit) == Array(all.prefix(limit)))
        }
        // Windows that end at many different places.
        for start in stride(from: 0, to: 200, by: 7) {
            let part = String(text.unicodeScalars.dropFirst(start))
            let ids = tokenizer.encode(part)
            #expect(tokenizer.encode(part, limit: 20) == Array(ids.prefix(20)), "from \(start)")
        }
    }

    @Test(arguments: names)
    func `A hundred megabytes on one line cost no more than their beginning`(
        name: String
    ) throws {
        let tokenizer = try Oracle.tokenizer(name)
        let line = String(repeating: "The old lighthouse keeper walked down. ", count: 2_600_000)
        let duration = ContinuousClock().measure {
            #expect(tokenizer.encode(line, limit: 256).count == 256)
        }
        #expect(duration < .seconds(1), "\(duration)")
    }

    @Test(arguments: names + ["trained/unigram-bytes", "trained/precompiled"])
    func `The first ids of a long run without a seam are those of a shorter run`(
        name: String
    ) throws {
        let tokenizer = try Oracle.tokenizer(name)
        for unit in ["a", "\u{4F60}", "ab1-", "\u{1F600}", " ", "\u{2581}", "a\u{301}", "\r\n"] {
            let short = tokenizer.encode(String(repeating: unit, count: 20_000))
            let long = String(repeating: unit, count: 1_000_000 / unit.utf8.count)
            #expect(tokenizer.encode(long, limit: 64) == Array(short.prefix(64)), "\(unit.escaped)")
        }
    }

    @Test(arguments: ["gpt2", "llama2", "trained/unigram-bytes"])
    func `A long run without a seam is not encoded as a whole for its first ids`(
        name: String
    ) throws {
        let tokenizer = try Oracle.tokenizer(name)
        let long = String(repeating: "a", count: 30_000_000)
        let duration = ContinuousClock().measure {
            #expect(tokenizer.encode(long, limit: 64).count == 64)
        }
        #expect(duration < .seconds(4), "\(duration)")
    }

    @Test(arguments: ["gpt2", "llama2"])
    func `A megabyte without spaces takes no quadratic time`(name: String) throws {
        let tokenizer = try Oracle.tokenizer(name)
        let pattern = "thequickbrownfoxjumpsoverthelazydog"
        let text = String(repeating: pattern, count: 1_000_000 / pattern.utf8.count)
        var ids: [Int32] = []
        let duration = ContinuousClock().measure { ids = tokenizer.encode(text) }
        #expect(duration < .seconds(4), "\(duration)")
        #expect(ids.map(tokenizer.display).joined().trimmingPrefix(" ") == text)
    }

    @Test func `Parts of characters are shown by their bytes`() throws {
        let tokenizer = try Oracle.tokenizer("gpt2")
        let ids = tokenizer.encode(" cat \u{2014}\u{1F600}\u{4F60}")
        let shown = ids.map(tokenizer.display)
        #expect(shown.first == " cat")
        #expect(shown.allSatisfy { !$0.unicodeScalars.contains("\u{FFFD}") })
        // U+1F600 is F0 9F 98 80; GPT-2 has a token for " F0 9F 98" and bytes.
        #expect(shown.joined().contains("<0x80>"))
        for id in 0..<Int32(tokenizer.vocabularySize) {
            let text = tokenizer.display(id)
            #expect(!text.isEmpty && !text.unicodeScalars.contains("\u{FFFD}"))
        }
        #expect(tokenizer.display(-1) == "<id -1>")
        #expect(
            tokenizer.display(Int32(tokenizer.vocabularySize)) == "<id \(tokenizer.vocabularySize)>"
        )
        #expect(tokenizer.display(Int32(tokenizer.vocabularySize - 1)) == "<|endoftext|>")
    }

    @Test func `Byte tokens and word starts are shown as text`() throws {
        let llama = try Oracle.tokenizer("llama2")
        #expect(
            llama.encode("a\n\u{2764}").map(llama.display).suffix(4) == [
                "\n", "<0xE2>", "<0x9D>", "<0xA4>",
            ])
        #expect(llama.encode("the the").map(llama.display).joined() == " the the")
        #expect(llama.display(1) == "<s>")
        let bert = try Oracle.tokenizer("minilm")
        #expect(bert.encode("unaffable").map(bert.display) == ["una", "##ffa", "##ble"])
    }

    @Test func `Prefix, suffix and beginning of sequence`() throws {
        let bert = try Oracle.tokenizer("minilm")
        #expect(bert.sequencePrefix == [101] && bert.sequenceSuffix == [102])
        #expect(bert.beginningOfSequence == 101)
        let llama = try Oracle.tokenizer("llama3")
        #expect(llama.sequencePrefix == [600] && llama.sequenceSuffix == [])
        #expect(llama.encode("the") + [] == Array(llama.encodeWithSpecialTokens("the").dropFirst()))
        let smollm = try Oracle.tokenizer("smollm2")
        #expect(smollm.sequencePrefix == [] && smollm.beginningOfSequence == nil)
        let tiny = try Oracle.tokenizer("gpt2-tiny")
        #expect(tiny.beginningOfSequence == 511 && tiny.sequencePrefix == [])
        #expect(tiny.vocabularySize == 512)
    }

    @Test func `Many threads may use one tokenizer`() async throws {
        let tokenizer = try Oracle.tokenizer("qwen2")
        let texts = try Oracle.texts("qwen2")
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask { texts.allSatisfy { tokenizer.encode($0.text) == $0.ids } }
            }
            for await equal in group { #expect(equal) }
        }
    }
}
