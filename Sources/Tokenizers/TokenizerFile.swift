// SPDX-License-Identifier: Apache-2.0
// Reading tokenizer.json: the file as a whole, and its added tokens.

import Foundation
import JSON

/// Reads the parts of a tokenizer.json. What it does not know it refuses by name.
struct TokenizerFile {
    private let root: JSONObject

    init(_ data: Data, name: String) throws {
        root = try JSONObject(parsing: data, file: name)
        try root.allow([
            "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
            "post_processor", "decoder", "model",
        ])
    }

    /// The tokenizer that the file describes.
    func parts() throws -> Tokenizer.Parts {
        guard let modelObject = try root.object("model") else {
            throw root.error("model", "is missing")
        }
        var preTokenizer = try PreTokenizerReader.steps(root.object("pre_tokenizer"))
        let normalizer = try NormalizerReader.steps(root.object("normalizer"))
        let reader = try ModelReader(modelObject)
        // With the byte alphabet as the last step before BPE, the vocabulary is turned into bytes
        // instead of the text into characters.
        let isByteLevel = reader.allowsBytes && preTokenizer.last?.isByteAlphabet == true
        if isByteLevel { preTokenizer.removeLast() }

        var vocabulary = reader.vocabulary
        let model = try reader.model(isByteLevel: isByteLevel)
        let added = try addedTokens(&vocabulary)
        let (prefix, suffix) = try PostProcessorReader.affixes(root.object("post_processor"))
        for id in prefix + suffix where vocabulary[id] == nil {
            throw root.error("post_processor", "adds the id \(id), which no token has")
        }
        return Tokenizer.Parts(
            vocabulary: vocabulary, model: model, addedTokens: added, normalizer: normalizer,
            preTokenizer: preTokenizer, decoder: try DecoderReader.steps(root.object("decoder")),
            prefix: prefix, suffix: suffix)
    }

    /// The added tokens, each of them put into the vocabulary as well.
    private func addedTokens(
        _ vocabulary: inout Vocabulary
    ) throws -> [AddedToken] {
        let objects = try root.objects("added_tokens") ?? []
        let limit = vocabulary.idCount + 16 * objects.count + 65_536
        var tokens: [AddedToken] = []
        for object in objects {
            try object.allow([
                "id", "content", "single_word", "lstrip", "rstrip", "normalized", "special",
            ])
            guard let id = try object.count("id") else { throw object.error("id", "is missing") }
            let content = try object.requiredString("content")
            if let present = vocabulary.id(of: content), present != id {
                throw object.error(
                    "id", "is \(id), but the model's vocabulary has \"\(content)\" as \(present)")
            }
            try vocabulary.insert(content, Int32(id), limit: limit, name: object.place)
            let isSpecial = try object.bool("special", default: false)
            tokens.append(
                AddedToken(
                    content: content, id: Int32(id),
                    singleWord: try object.bool("single_word", default: false),
                    stripsLeft: try object.bool("lstrip", default: false),
                    stripsRight: try object.bool("rstrip", default: false),
                    isNormalized: try object.bool("normalized", default: !isSpecial)))
        }
        return tokens
    }
}
