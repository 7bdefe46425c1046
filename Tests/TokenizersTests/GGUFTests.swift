// SPDX-License-Identifier: Apache-2.0
// Tokenizers from GGUF metadata give the ids of the tokenizer.json that the metadata came from.

import Foundation
import TestSupport
import Testing
import Tokenizers

/// The parts of a tokenizer.json that a GGUF file keeps.
private struct ModelFile {
    var tokens: [String] = []
    var merges: [String] = []
    var scores: [Float] = []
    var special: [Int] = []

    init(_ name: String) throws {
        let url = Oracle.folder(name).appending(path: "tokenizer.json")
        let json = try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
        let model = try #require(json["model"] as? [String: Any])
        if let pairs = model["vocab"] as? [[Any]] {
            tokens = pairs.compactMap { $0[0] as? String }
            scores = pairs.compactMap { ($0[1] as? NSNumber)?.floatValue }
        } else {
            let vocabulary = try #require(model["vocab"] as? [String: Int])
            tokens = Array(repeating: "", count: (vocabulary.values.max() ?? -1) + 1)
            for (token, id) in vocabulary { tokens[id] = token }
        }
        merges = (model["merges"] as? [[String]])?.map { $0.joined(separator: " ") } ?? []
        for token in json["added_tokens"] as? [[String: Any]] ?? [] {
            let id = try #require(token["id"] as? Int)
            let content = try #require(token["content"] as? String)
            while tokens.count <= id { tokens.append("") }
            tokens[id] = content
            special.append(id)
        }
    }

    var types: [Int32] {
        tokens.indices.map { id in
            if special.contains(id) { return 3 }
            return tokens[id].hasPrefix("<0x") && tokens[id].utf8.count == 6 ? 6 : 1
        }
    }
}

@Suite struct `Tokenizers from GGUF metadata` {
    private func expectReferenceIDs(
        _ name: String, _ gguf: GGUFVocabulary, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let tokenizer = try Tokenizer(gguf: gguf)
        for text in try Oracle.texts(name) {
            let ids = tokenizer.encodeWithSpecialTokens(text.text)
            #expect(
                ids == text.ids, "\(name): \(text.text.escaped)", sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: [
        ("smollm2", "smollm", 1), ("qwen2", "qwen2", 600), ("llama3", "llama-bpe", 600),
    ])
    func `Byte-level BPE`(name: String, pre: String, bos: Int32) throws {
        let file = try ModelFile(name)
        let gguf = GGUFVocabulary(
            model: "gpt2", pre: pre, tokens: file.tokens, merges: file.merges,
            tokenTypes: file.types, bosID: bos)
        try expectReferenceIDs(name, gguf)
        #expect(try Tokenizer(gguf: gguf).beginningOfSequence == bos)
    }

    @Test func `GPT-4o's words`() throws {
        let file = try ModelFile("trained/gpt4o")
        let tokenizer = try Tokenizer(
            gguf: GGUFVocabulary(
                model: "gpt2", pre: "gpt-4o", tokens: file.tokens, merges: file.merges,
                tokenTypes: file.types))
        // Held against Hugging Face's tokenizers among the trained ones.
        let reference = try Oracle.tokenizer("trained/gpt4o")
        let texts = try JSONDecoder().decode(
            [String].self,
            from: Data(contentsOf: Oracle.folder("trained").appending(path: "texts.json")))
        for text in texts {
            #expect(tokenizer.encode(text) == reference.encode(text), "\(text.escaped)")
        }
    }

    @Test func `GPT-2's own vocabulary`() throws {
        let folder = Oracle.folder("gpt2")
        let data = try Data(contentsOf: folder.appending(path: "merges.txt"))
        let merges = String(decoding: data, as: UTF8.self).split(separator: "\n").dropFirst()
        let vocabulary = try JSONDecoder().decode(
            [String: Int].self, from: Data(contentsOf: folder.appending(path: "vocab.json")))
        var tokens = Array(repeating: "", count: vocabulary.count)
        for (token, id) in vocabulary { tokens[id] = token }
        var types = Array(repeating: Int32(1), count: tokens.count)
        types[try #require(vocabulary["<|endoftext|>"])] = 3
        try expectReferenceIDs(
            "gpt2",
            GGUFVocabulary(
                model: "gpt2", pre: "gpt-2", tokens: tokens, merges: merges.map(String.init),
                tokenTypes: types))
    }

    @Test(arguments: [("llama2", true, 1), ("gemma", false, 2)])
    func `SentencePiece BPE`(name: String, addsSpace: Bool, bos: Int32) throws {
        let file = try ModelFile(name)
        let scores = file.tokens.indices.map { -Float($0) }
        try expectReferenceIDs(
            name,
            GGUFVocabulary(
                model: "llama", tokens: file.tokens, scores: scores, tokenTypes: file.types,
                bosID: bos, unknownID: bos == 1 ? 0 : 3, addSpacePrefix: addsSpace))
    }

    @Test func `WordPiece`() throws {
        let file = try ModelFile("minilm")
        let tokens = file.tokens.map { token in
            if token.hasPrefix("["), token.hasSuffix("]") { return token }
            return token.hasPrefix("##") ? String(token.dropFirst(2)) : "\u{2581}" + token
        }
        try expectReferenceIDs(
            "minilm", GGUFVocabulary(model: "bert", tokens: tokens, tokenTypes: file.types))
        try expectReferenceIDs("minilm", GGUFVocabulary(model: "bert", tokens: tokens))
    }

    @Test func `Unigram`() throws {
        let file = try ModelFile("trained/unigram-bytes")
        let tokenizer = try Tokenizer(
            gguf: GGUFVocabulary(
                model: "t5", tokens: file.tokens, scores: file.scores, tokenTypes: file.types,
                eosID: 2, unknownID: 0))
        let reference = try Oracle.tokenizer("trained/unigram-bytes")
        for text in ["The old lighthouse keeper", "It's true \u{4F60} 1987.", "déjà vu"] {
            #expect(tokenizer.encodeWithSpecialTokens(text) == reference.encode(text) + [2])
        }
    }

    @Test func `What is not known or does not fit is refused`() {
        func message(_ change: (inout GGUFVocabulary) -> Void) -> String? {
            var gguf = GGUFVocabulary(
                model: "gpt2", pre: "gpt-2", tokens: ["a", "b", "ab"], merges: ["a b"])
            change(&gguf)
            do throws {
                _ = try Tokenizer(gguf: gguf)
                return nil
            } catch { return "\(error)" }
        }
        #expect(message { _ in } == nil)
        #expect(message { $0.model = "rwkv" }?.contains("\"rwkv\"") == true)
        #expect(message { $0.pre = "viking" }?.contains("\"viking\"") == true)
        #expect(message { $0.pre = nil }?.contains("tokenizer.ggml.pre") == true)
        #expect(message { $0.merges = ["a c"] }?.contains("names \"c\"") == true)
        #expect(message { $0.merges = ["b a"] }?.contains("makes \"ba\"") == true)
        #expect(message { $0.merges = ["ab"] }?.contains("merges[0]") == true)
        #expect(message { $0.bosID = 3 }?.contains("bos_token_id is 3") == true)
        #expect(message { $0.bosID = -1 }?.contains("bos_token_id is -1") == true)
        #expect(message { $0.tokens = [] }?.contains("no token") == true)
        #expect(message { $0.tokenTypes = [1] }?.contains("1 values for 3") == true)
        #expect(message { $0.model = "llama" }?.contains("scores is missing") == true)
        #expect(
            message {
                $0.model = "t5"
                $0.scores = [0, .nan, 0]
            }?.contains("finite") == true)
        #expect(message { $0.model = "bert" }?.contains("lacks the token") == true)
    }
}
