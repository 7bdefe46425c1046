// SPDX-License-Identifier: Apache-2.0
// Reading tokenizer.json: the file as a whole, its added tokens and its model.

import Foundation

/// Reads the parts of a tokenizer.json. What it does not know it refuses by name.
struct TokenizerFile {
    private let root: JSONObject

    init(_ data: Data, name: String) throws(TokenizerError) {
        root = try JSONObject(JSONValue.parse(data, name: name), name: name)
        try root.allow([
            "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
            "post_processor", "decoder", "model",
        ])
    }

    /// The tokenizer that the file describes.
    func parts() throws(TokenizerError) -> Tokenizer.Parts {
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
    ) throws(TokenizerError) -> [AddedToken] {
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
            try vocabulary.insert(content, Int32(id), limit: limit, name: object.name)
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

/// The model of a tokenizer.json.
private struct ModelReader {
    private let object: JSONObject
    private let type: String
    let vocabulary: Vocabulary
    private let scores: [Double]

    init(_ object: JSONObject) throws(TokenizerError) {
        self.object = object
        type = try ModelReader.type(of: object)
        if type == "Unigram" {
            (vocabulary, scores) = try ModelReader.scoredVocabulary(object)
        } else {
            vocabulary = try ModelReader.vocabulary(object)
            scores = []
        }
    }

    /// The model's type, which old files do not name.
    private static func type(of object: JSONObject) throws(TokenizerError) -> String {
        if let type = try object.string("type") { return type }
        if object["merges"] != nil { return "BPE" }
        if object["continuing_subword_prefix"] != nil { return "WordPiece" }
        throw object.error("type", "is missing")
    }

    private static func vocabulary(_ object: JSONObject) throws(TokenizerError) -> Vocabulary {
        guard let vocabulary = try object.object("vocab") else {
            throw object.error("vocab", "is missing")
        }
        return try Vocabulary(
            try VocabularyFile.entries(vocabulary), name: "\(object.name).vocab")
    }

    private static func scoredVocabulary(
        _ object: JSONObject
    ) throws(TokenizerError) -> (Vocabulary, [Double]) {
        var entries: [(token: String, id: Int32)] = []
        var scores: [Double] = []
        for value in try object.array("vocab") ?? [] {
            guard case .array(let pair) = value, pair.count == 2, case .string(let token) = pair[0],
                case .number(let score) = pair[1]
            else { throw object.error("vocab", "must hold pairs of a token and its score") }
            entries.append((token, Int32(truncatingIfNeeded: entries.count)))
            scores.append(score)
        }
        guard !entries.isEmpty else { throw object.error("vocab", "has no token") }
        return (try Vocabulary(entries, name: "\(object.name).vocab"), scores)
    }

    /// Whether the model works the same on bytes as on the characters that stand for them.
    var allowsBytes: Bool {
        guard type == "BPE" else { return false }
        return [("continuing_subword_prefix"), ("end_of_word_suffix")].allSatisfy {
            if case .string(let affix) = object[$0] { affix.isEmpty } else { true }
        } && !isTrue("byte_fallback")
    }

    private func isTrue(_ key: String) -> Bool {
        if case .bool(true) = object[key] { true } else { false }
    }

    func model(isByteLevel: Bool) throws(TokenizerError) -> Tokenizer.Model {
        switch type {
        case "BPE": return .bytePair(try bytePair(isByteLevel: isByteLevel))
        case "WordPiece": return .wordPiece(try wordPiece())
        case "WordLevel":
            try object.allow(["type", "vocab", "unk_token"])
            let unknown = try object.requiredString("unk_token")
            return .wordLevel(
                WordLevelModel(table: vocabulary.table, unknown: vocabulary.id(of: unknown)))
        case "Unigram": return .unigram(try unigram())
        default: throw object.error("type", "is \"\(type)\", which is not supported")
        }
    }

    /// The id of a token that a key names.
    private func id(_ key: String) throws(TokenizerError) -> Int32? {
        guard let token = try object.string(key) else { return nil }
        guard let id = vocabulary.id(of: token) else {
            throw object.error(key, "is \"\(token)\", which is not in the vocabulary")
        }
        return id
    }

    private func byteIDs() throws(TokenizerError) -> [Int32?]? {
        try object.bool("byte_fallback", default: false) ? vocabulary.byteTokens() : nil
    }

    private func bytePair(isByteLevel: Bool) throws(TokenizerError) -> BytePairModel {
        try object.allow([
            "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
            "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges",
        ])
        if case .number(let dropout) = object["dropout"], dropout > 0 {
            throw object.error("dropout", "is not 0, so its ids would be random")
        }
        let continuing = try object.string("continuing_subword_prefix") ?? ""
        let merges = try MergeReader(vocabulary, continuingPrefix: continuing)
            .merges(object.array("merges") ?? [], name: "\(object.name).merges")
        let options = BytePairModel.Options(
            unknown: try id("unk_token"),
            fuseUnknown: try object.bool("fuse_unk", default: false),
            byteFallback: try byteIDs(),
            ignoreMerges: try object.bool("ignore_merges", default: false),
            continuingPrefix: Array(continuing.utf8),
            wordSuffix: Array((try object.string("end_of_word_suffix") ?? "").utf8))
        return BytePairModel(
            table: isByteLevel ? vocabulary.byteLevelTable() : vocabulary.table,
            isByteLevel: isByteLevel, merges: merges, options: options)
    }

    private func wordPiece() throws(TokenizerError) -> WordPieceModel {
        try object.allow([
            "type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab",
        ])
        guard let unknown = try id("unk_token") else {
            throw object.error("unk_token", "is missing")
        }
        return WordPieceModel(
            vocabulary.table, unknown: unknown,
            continuingPrefix: try object.string("continuing_subword_prefix") ?? "##",
            maximumLength: try object.count("max_input_chars_per_word") ?? 100)
    }

    private func unigram() throws(TokenizerError) -> UnigramModel {
        try object.allow(["type", "unk_id", "vocab", "byte_fallback"])
        let unknown = try object.count("unk_id").map { Int32($0) }
        if let unknown, vocabulary[unknown] == nil {
            throw object.error("unk_id", "is \(unknown), which no token has")
        }
        return UnigramModel(
            vocabulary.table, scores: scores, unknown: unknown, byteFallback: try byteIDs())
    }
}

/// Vocabularies as objects of token strings and ids.
enum VocabularyFile {
    static func entries(
        _ object: JSONObject
    ) throws(TokenizerError) -> [(token: String, id: Int32)] {
        var entries: [(token: String, id: Int32)] = []
        entries.reserveCapacity(object.members.count)
        for member in object.members {
            guard case .number(let number) = member.value, let id = Int32(exactly: number) else {
                throw object.error("\"\(member.key)\"", "must be a token id")
            }
            entries.append((member.key, id))
        }
        guard !entries.isEmpty else {
            throw TokenizerError("\(object.name) has no token.")
        }
        return entries
    }
}

extension Vocabulary {
    /// The ids of `<0x00>` to `<0xFF>`, nil for each that is missing.
    func byteTokens() -> [Int32?] {
        (UInt8.min...UInt8.max).map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return id(of: "<0x\(digits.count < 2 ? "0" : "")\(digits)>")
        }
    }

    /// The tokens by the bytes that their characters stand for. Tokens with characters outside the
    /// byte alphabet are left out: no text becomes one of them.
    func byteLevelTable() -> ByteTable {
        var bytes = ByteTable(capacity: table.count)
        table.forEach { key, id in
            if let decoded = ByteLevel.decode(key) { bytes.insert(decoded, id) }
        }
        return bytes
    }
}

/// Merges by token strings.
struct MergeReader {
    private let vocabulary: Vocabulary
    private let prefix: [UInt8]

    init(_ vocabulary: Vocabulary, continuingPrefix: String) {
        self.vocabulary = vocabulary
        prefix = Array(continuingPrefix.utf8)
    }

    /// Merges as pairs of strings, or as strings of two tokens with a space between them.
    func merges(
        _ values: [JSONValue], name: String
    ) throws(TokenizerError) -> [BytePairModel.Merge] {
        var merges: [BytePairModel.Merge] = []
        merges.reserveCapacity(values.count)
        for (index, value) in values.enumerated() {
            switch value {
            case .string(let line): merges.append(try merge(line[...], name: "\(name)[\(index)]"))
            case .array(let pair):
                guard pair.count == 2, case .string(let left) = pair[0],
                    case .string(let right) = pair[1]
                else { throw TokenizerError("\(name)[\(index)] must hold two strings.") }
                merges.append(try merge(left, right, name: "\(name)[\(index)]"))
            default: throw TokenizerError("\(name)[\(index)] must be a pair of tokens.")
            }
        }
        return merges
    }

    /// A merge as "left right".
    func merge(
        _ line: Substring, name: @autoclosure () -> String
    ) throws(TokenizerError) -> BytePairModel.Merge {
        let parts = line.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 2, let left = String(parts[0]), let right = String(parts[1]) else {
            throw TokenizerError("\(name()) must be two tokens with a space between them.")
        }
        return try merge(left, right, name: name())
    }

    private func merge(
        _ left: String, _ right: String, name: @autoclosure () -> String
    ) throws(TokenizerError) -> BytePairModel.Merge {
        guard let leftID = vocabulary.id(of: left), let rightID = vocabulary.id(of: right) else {
            let missing = vocabulary.id(of: left) == nil ? left : right
            throw TokenizerError("\(name()) names \"\(missing)\", which is not in the vocabulary.")
        }
        // A continuing symbol's prefix goes when it is merged to what is before it.
        let joined = Array(left.utf8) + right.utf8.dropFirst(prefix.count)
        guard let result = vocabulary.table.id(of: joined) else {
            throw TokenizerError(
                "\(name()) makes \"\(left)\(right)\", which is not in the vocabulary.")
        }
        return BytePairModel.Merge(left: leftID, right: rightID, result: result)
    }
}
