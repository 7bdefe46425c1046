// SPDX-License-Identifier: Apache-2.0
// Reading the tokenizer of a model folder.

import Foundation
import JSON
import UserErrors

extension Tokenizer {
    /// The tokenizer of a model folder: tokenizer.json, else vocab.json and merges.txt (byte-level
    /// BPE as GPT-2 has it), else vocab.txt (WordPiece as BERT has it); the beginning-of-sequence
    /// token is that of tokenizer_config.json or special_tokens_map.json.
    ///
    /// - Throws: `UserError` if files are missing or broken, or describe something unknown.
    public init(folder: URL) throws {
        let folder = TokenizerFolder(folder)
        var parts = try folder.parts()
        try folder.addDeclaredTokens(to: &parts)
        parts.takesBeginning = try folder.takesBeginning()
        parts.beginningOfSequence = try folder.beginningOfSequence(parts.vocabulary)
        self.init(parts)
    }
}

private struct TokenizerFolder {
    private let url: URL

    init(_ url: URL) { self.url = url }

    /// The contents of a file; nil if there is none.
    private func contents(_ name: String) throws -> Data? {
        let file = url.appending(path: name)
        guard FileManager.default.fileExists(atPath: file.path(percentEncoded: false)) else {
            return nil
        }
        let data: Data
        do {
            data = try Data(contentsOf: file, options: .mappedIfSafe)
        } catch {
            throw UserError("\(path(name)) cannot be read: \(error.localizedDescription)")
        }
        guard !UserError.isLFSPointer(data) else { throw UserError.lfsPointer(path(name)) }
        return data
    }

    private func path(_ name: String) -> String {
        url.appending(path: name).path(percentEncoded: false)
    }

    private func object(_ name: String) throws -> JSONObject? {
        guard let data = try contents(name) else { return nil }
        return try JSONObject(parsing: data, file: path(name))
    }

    private func lines(_ name: String) throws -> [Substring]? {
        guard let data = try contents(name) else { return nil }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw UserError("\(path(name)) is not UTF-8.")
        }
        // "\r\n" is one character to Swift, so lines are cut between scalars.
        return text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            .map { Substring($0.last == "\r" ? $0.dropLast() : $0) }
    }

    func parts() throws -> Tokenizer.Parts {
        if let data = try contents("tokenizer.json") {
            return try TokenizerFile(data, name: path("tokenizer.json")).parts()
        }
        if let vocabulary = try object("vocab.json"), let merges = try lines("merges.txt") {
            return try byteLevel(vocabulary, merges)
        }
        if let tokens = try lines("vocab.txt") { return try wordPiece(tokens) }
        throw UserError(
            "\(url.path(percentEncoded: false)) has no tokenizer: put tokenizer.json there, or "
                + "vocab.json and merges.txt, or vocab.txt.")
    }

    // MARK: Special tokens

    private static let roles = [
        "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
    ]

    /// The strings of the special tokens that the configuration names, by role.
    private func specialTokens() throws -> [String: String] {
        var tokens: [String: String] = [:]
        for file in ["special_tokens_map.json", "tokenizer_config.json"] {
            guard let object = try object(file) else { continue }
            for role in TokenizerFolder.roles {
                switch object[role] {
                case .string(let token): tokens[role] = token
                case .object:
                    tokens[role] = try object.object(role)?.requiredString("content")
                default: continue
                }
            }
        }
        return tokens
    }

    func beginningOfSequence(_ vocabulary: Vocabulary) throws -> Int32? {
        try specialTokens()["bos_token"].flatMap { vocabulary.id(of: $0) }
    }

    /// Whether the tokenizer itself says that sequences begin with a BOS token; nil where it says nothing.
    func takesBeginning() throws -> Bool? {
        guard let config = try object("tokenizer_config.json") else { return nil }
        if case .bool(let adds)? = config["add_bos_token"] { return adds }
        let saysNone = config.members.contains(JSONMember(key: "bos_token", value: .null))
        return saysNone ? false : nil
    }

    /// Tokens that only `added_tokens_decoder` of tokenizer_config.json names.
    func addDeclaredTokens(to parts: inout Tokenizer.Parts) throws {
        let name = "tokenizer_config.json"
        guard let declared = try object(name)?.object("added_tokens_decoder") else { return }
        let limit = parts.vocabulary.idCount + 16 * declared.members.count + 65_536
        let known = Set(parts.addedTokens.map(\.content))
        for (key, token) in try declared.memberObjects() {
            guard let id = Int32(key), id >= 0 else {
                throw UserError("\(path(name)) has \"\(key)\" where an id is expected.")
            }
            let content = try token.requiredString("content")
            guard !content.isEmpty, !known.contains(content) else { continue }
            if parts.vocabulary.id(of: content) == nil {
                try parts.vocabulary.insert(content, id, limit: limit, name: path(name))
            }
            guard parts.vocabulary.id(of: content) == id else { continue }
            parts.addedTokens.append(
                AddedToken(
                    content: content, id: id,
                    singleWord: try token.bool("single_word", default: false),
                    stripsLeft: try token.bool("lstrip", default: false),
                    stripsRight: try token.bool("rstrip", default: false),
                    isNormalized: try token.bool("normalized", default: false)))
        }
    }

    /// added_tokens.json: strings and ids beyond the vocabulary.
    private func addedEntries() throws -> [(token: String, id: Int32)] {
        guard let object = try object("added_tokens.json"), !object.members.isEmpty else {
            return []
        }
        return try VocabularyFile.entries(object)
    }

    /// The special and added tokens of a vocabulary without a tokenizer.json.
    private func addedTokens(
        _ vocabulary: inout Vocabulary, defaults: [String]
    ) throws -> [AddedToken] {
        let added = try addedEntries()
        let limit = vocabulary.idCount + 16 * added.count + 65_536
        for (token, id) in added {
            try vocabulary.insert(token, id, limit: limit, name: path("added_tokens.json"))
        }
        let contents = Set(defaults + (try specialTokens()).values + added.map(\.token))
        return contents.sorted().compactMap { content in
            vocabulary.id(of: content).map { AddedToken(content: content, id: $0) }
        }
    }

    // MARK: Older formats

    private func byteLevel(
        _ object: JSONObject, _ lines: [Substring]
    ) throws -> Tokenizer.Parts {
        let config = try self.object("tokenizer_config.json")
        let family = try byteLevelFamily(config)
        let prefixesSpace = try config?.bool("add_prefix_space", default: false) ?? false
        var vocabulary = try Vocabulary(try VocabularyFile.entries(object), name: object.place)
        let reader = MergeReader(vocabulary, continuingPrefix: "")
        var merges: [BytePairModel.Merge] = []
        for (index, line) in lines.enumerated() {
            if line.isEmpty || (index == 0 && line.hasPrefix("#version")) { continue }
            merges.append(try reader.merge(line, name: "\(path("merges.txt")):\(index + 1)"))
        }
        let model = BytePairModel(
            table: vocabulary.byteLevelTable(), isByteLevel: true, merges: merges, options: .init())
        let added = try addedTokens(&vocabulary, defaults: ["<|endoftext|>"])
        var parts = Tokenizer.Parts(
            vocabulary: vocabulary, model: .bytePair(model), addedTokens: added,
            normalizer: family.normalizer,
            preTokenizer: (prefixesSpace ? [.prefixSpace] : []) + (try family.preTokenizer()),
            decoder: [.byteLevel])
        if tokenizerClass(config) == "Roberta" {
            let special = try specialTokens()
            parts.prefix = [special["cls_token"] ?? "<s>"].compactMap { vocabulary.id(of: $0) }
            parts.suffix = [special["sep_token"] ?? "</s>"].compactMap { vocabulary.id(of: $0) }
        }
        return parts
    }

    /// The class that tokenizer_config.json names, without "Tokenizer" and "Fast"; nil where it names none.
    private func tokenizerClass(_ config: JSONObject?) -> String? {
        guard case .string(let name)? = config?["tokenizer_class"] else { return nil }
        return name.replacing("TokenizerFast", with: "").replacing("Tokenizer", with: "")
    }

    /// What cuts words in a tokenizer of vocab.json and merges.txt: the class decides, not the files.
    private func byteLevelFamily(_ config: JSONObject?) throws -> ByteLevelFamily {
        switch tokenizerClass(config) {
        case nil, "GPT2", "Roberta", "CodeGen", "Longformer", "PreTrained":
            return try ByteLevelFamily(pre: "gpt-2")
        case "Qwen2": return try ByteLevelFamily(pre: "qwen2")
        case let other?:
            throw UserError(
                "\(path("tokenizer_config.json")): vocab.json and merges.txt of a \(other)Tokenizer are not read; put its tokenizer.json beside them."
            )
        }
    }

    private func wordPiece(_ lines: [Substring]) throws -> Tokenizer.Parts {
        var tokens = lines.map(String.init)
        if tokens.last == "" { tokens.removeLast() }
        var entries: [(token: String, id: Int32)] = []
        for (index, token) in tokens.enumerated() {
            entries.append((token, Int32(truncatingIfNeeded: index)))
        }
        let config = try object("tokenizer_config.json")
        let known = ["Bert", "DistilBert", "Electra", "MobileBert", "Basic", "PreTrained"]
        if let name = tokenizerClass(config), !known.contains(name) {
            throw UserError(
                "\(path("tokenizer_config.json")): vocab.txt of a \(name)Tokenizer needs more than WordPiece and is not read; put its tokenizer.json beside it."
            )
        }
        let lowercases = try config?.bool("do_lower_case", default: true) ?? true
        let normalizer = BertNormalizer(
            cleansText: true,
            spacesIdeographs: try config?.bool("tokenize_chinese_chars", default: true) ?? true,
            stripsAccents: try config?.bool("strip_accents", default: lowercases) ?? lowercases,
            lowercases: lowercases)
        var vocabulary = try Vocabulary(entries, name: path("vocab.txt"))
        let special = try specialTokens()
        let added = try addedTokens(
            &vocabulary, defaults: ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])
        return try Tokenizer.Parts.bert(
            vocabulary, normalizer, added, unknown: special["unk_token"] ?? "[UNK]",
            classification: special["cls_token"] ?? "[CLS]",
            separator: special["sep_token"] ?? "[SEP]", name: path("vocab.txt"))
    }
}

extension Tokenizer.Parts {
    /// BERT's tokenizer.
    static func bert(
        _ vocabulary: Vocabulary, _ normalizer: BertNormalizer, _ added: [AddedToken],
        unknown: String, classification: String, separator: String, name: String
    ) throws -> Tokenizer.Parts {
        func id(_ token: String) throws -> Int32 {
            guard let id = vocabulary.id(of: token) else {
                throw UserError("\(name) lacks the token \"\(token)\".")
            }
            return id
        }
        let model = WordPieceModel(
            vocabulary.table, unknown: try id(unknown), continuingPrefix: "##", maximumLength: 100)
        return Tokenizer.Parts(
            vocabulary: vocabulary, model: .wordPiece(model), addedTokens: added,
            normalizer: [.bert(normalizer)], preTokenizer: PreTokenizerStep.bert,
            decoder: [.wordPiece(prefix: "##", cleanup: true)], prefix: [try id(classification)],
            suffix: [try id(separator)])
    }
}
