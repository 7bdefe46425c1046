// SPDX-License-Identifier: Apache-2.0
// Reading tokenizer.json: models and their vocabularies.

import JSON
import UserErrors

/// The model of a tokenizer.json.
struct ModelReader {
    private let object: JSONObject
    private let type: String
    let vocabulary: Vocabulary
    private let scores: [Double]

    init(_ object: JSONObject) throws {
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
    private static func type(of object: JSONObject) throws -> String {
        if let type = try object.string("type") { return type }
        if object["merges"] != nil { return "BPE" }
        if object["continuing_subword_prefix"] != nil { return "WordPiece" }
        throw object.error("type", "is missing")
    }

    private static func vocabulary(_ object: JSONObject) throws -> Vocabulary {
        guard let vocabulary = try object.object("vocab") else {
            throw object.error("vocab", "is missing")
        }
        return try Vocabulary(
            try VocabularyFile.entries(vocabulary), name: object.path("vocab"))
    }

    private static func scoredVocabulary(
        _ object: JSONObject
    ) throws -> (Vocabulary, [Double]) {
        var entries: [(token: String, id: Int32)] = []
        var scores: [Double] = []
        for value in try object.array("vocab") ?? [] {
            guard case .array(let pair) = value, pair.count == 2, case .string(let token) = pair[0],
                let score = pair[1].number
            else { throw object.error("vocab", "must hold pairs of a token and its score") }
            entries.append((token, Int32(truncatingIfNeeded: entries.count)))
            scores.append(score)
        }
        guard !entries.isEmpty else { throw object.error("vocab", "has no token") }
        return (try Vocabulary(entries, name: object.path("vocab")), scores)
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

    func model(isByteLevel: Bool) throws -> Tokenizer.Model {
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
    private func id(_ key: String) throws -> Int32? {
        guard let token = try object.string(key) else { return nil }
        guard let id = vocabulary.id(of: token) else {
            throw object.error(key, "is \"\(token)\", which is not in the vocabulary")
        }
        return id
    }

    private func byteIDs() throws -> [Int32?]? {
        try object.bool("byte_fallback", default: false) ? vocabulary.byteTokens() : nil
    }

    private func bytePair(isByteLevel: Bool) throws -> BytePairModel {
        try object.allow([
            "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
            "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges",
        ])
        if let dropout = object["dropout"]?.number, dropout > 0 {
            throw object.error("dropout", "is not 0, so its ids would be random")
        }
        let continuing = try object.string("continuing_subword_prefix") ?? ""
        let merges = try MergeReader(vocabulary, continuingPrefix: continuing)
            .merges(object.array("merges") ?? [], name: object.path("merges"))
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

    private func wordPiece() throws -> WordPieceModel {
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

    private func unigram() throws -> UnigramModel {
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
    ) throws -> [(token: String, id: Int32)] {
        var entries: [(token: String, id: Int32)] = []
        entries.reserveCapacity(object.members.count)
        for member in object.members {
            guard case .int(let number) = member.value, let id = Int32(exactly: number) else {
                throw object.error("\"\(member.key)\"", "must be a token id")
            }
            entries.append((member.key, id))
        }
        guard !entries.isEmpty else {
            throw UserError("\(object.place) has no token.")
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
