// SPDX-License-Identifier: Apache-2.0
// Building the tokenizer that a GGUF file's metadata stands for.
//
// GGUF names a tokenizer (`model`, `pre`) where tokenizer.json describes it. What the names mean is
// taken from the Hugging Face tokenizers of those models, so that both files give the same ids.

import Foundation
import UserErrors

extension Tokenizer {
    /// The tokenizer of a GGUF file.
    ///
    /// - Throws: `UserError` for kinds that are not known and for metadata that does not fit
    ///   together.
    public init(gguf: GGUFVocabulary) throws {
        let reader = try GGUFReader(gguf)
        switch gguf.model {
        case "gpt2": self.init(try reader.byteLevel())
        case "llama": self.init(try reader.sentencePiece())
        case "t5": self.init(try reader.unigram())
        case "bert": self.init(try reader.wordPiece())
        default:
            throw UserError(
                "tokenizer.ggml.model is \"\(gguf.model)\"; supported are gpt2, llama, t5 and bert."
            )
        }
    }
}

private enum TokenType {
    static let normal: Int32 = 1
    static let unknown: Int32 = 2
    static let control: Int32 = 3
    static let userDefined: Int32 = 4
    static let byte: Int32 = 6
}

private struct GGUFReader {
    private let gguf: GGUFVocabulary
    private let vocabulary: Vocabulary

    init(_ gguf: GGUFVocabulary) throws {
        guard !gguf.tokens.isEmpty, gguf.tokens.count < Int32.max else {
            throw UserError("tokenizer.ggml.tokens has no token.")
        }
        for (name, count) in [
            ("scores", gguf.scores.count), ("token_type", gguf.tokenTypes.count),
        ] where count != 0 && count != gguf.tokens.count {
            throw UserError(
                "tokenizer.ggml.\(name) has \(count) values for \(gguf.tokens.count) tokens.")
        }
        let tokens = gguf.model == "bert" ? gguf.tokens.map(GGUFReader.wordPiece) : gguf.tokens
        var entries: [(token: String, id: Int32)] = []
        for (id, token) in tokens.enumerated() {
            entries.append((token, Int32(truncatingIfNeeded: id)))
        }
        self.gguf = gguf
        vocabulary = try Vocabulary(entries, name: "tokenizer.ggml.tokens")
    }

    private func type(_ id: Int) -> Int32 {
        gguf.tokenTypes.isEmpty ? TokenType.normal : gguf.tokenTypes[id]
    }

    /// An id that some token has.
    private func checked(_ id: Int32?, _ key: String) throws -> Int32? {
        guard let id else { return nil }
        guard vocabulary[id] != nil else {
            throw UserError(
                "tokenizer.ggml.\(key) is \(id), but there are \(gguf.tokens.count) tokens.")
        }
        return id
    }

    private func scores() throws -> [Double] {
        guard !gguf.scores.isEmpty else {
            throw UserError("tokenizer.ggml.scores is missing.")
        }
        guard gguf.scores.allSatisfy(\.isFinite) else {
            throw UserError("tokenizer.ggml.scores has a value that is not finite.")
        }
        return gguf.scores.map(Double.init)
    }

    /// The tokens that are found in the text before it is encoded.
    private var addedTokens: [AddedToken] {
        let found = [TokenType.unknown, TokenType.control, TokenType.userDefined]
        return gguf.tokens.indices.filter { found.contains(type($0)) }.map {
            AddedToken(
                content: vocabulary.string(Int32($0)) ?? "", id: Int32(truncatingIfNeeded: $0))
        }
    }

    /// The parts of a tokenizer that adds its beginning and end if the file, or else the kind of
    /// tokenizer, says so.
    private func parts(
        _ model: Tokenizer.Model, addsBOS: Bool, addsEOS: Bool = false
    ) throws -> Tokenizer.Parts {
        let bos = try checked(gguf.bosID, "bos_token_id")
        let eos = try checked(gguf.eosID, "eos_token_id")
        var parts = Tokenizer.Parts(
            vocabulary: vocabulary, model: model, addedTokens: addedTokens)
        parts.beginningOfSequence = bos
        parts.takesBeginning = gguf.addBOS
        if gguf.addBOS ?? addsBOS, let bos { parts.prefix = [bos] }
        if gguf.addEOS ?? addsEOS, let eos { parts.suffix = [eos] }
        return parts
    }

    // MARK: Byte-level BPE

    func byteLevel() throws -> Tokenizer.Parts {
        let family = try ByteLevelFamily(pre: gguf.pre)
        let reader = MergeReader(vocabulary, continuingPrefix: "")
        var merges: [BytePairModel.Merge] = []
        merges.reserveCapacity(gguf.merges.count)
        for (index, line) in gguf.merges.enumerated() {
            merges.append(try reader.merge(line[...], name: "tokenizer.ggml.merges[\(index)]"))
        }
        var options = BytePairModel.Options()
        options.ignoreMerges = family.ignoresMerges
        let model = BytePairModel(
            table: vocabulary.byteLevelTable(), isByteLevel: true, merges: merges, options: options)
        var parts = try parts(.bytePair(model), addsBOS: family.addsBOS)
        parts.normalizer = family.normalizer
        parts.preTokenizer = try family.preTokenizer()
        parts.decoder = [.byteLevel]
        return parts
    }

    // MARK: SentencePiece BPE

    func sentencePiece() throws -> Tokenizer.Parts {
        let options = BytePairModel.Options(
            unknown: try checked(gguf.unknownID, "unknown_token_id")
                ?? vocabulary.id(of: "<unk>"),
            fuseUnknown: true, byteFallback: vocabulary.byteTokens())
        let model = BytePairModel(
            table: vocabulary.table, isByteLevel: false, merges: try scoredMerges(),
            options: options)
        let addsSpace = gguf.addSpacePrefix ?? true
        let underline = Array("\u{2581}".utf8)
        var parts = try parts(.bytePair(model), addsBOS: true)
        parts.normalizer =
            (addsSpace ? [.prepend(underline)] : []) + [.replace(.literal([0x20]), with: underline)]
        parts.decoder = [.replace(.literal(underline), with: [0x20]), .byteFallback, .fuse]
        if addsSpace { parts.decoder?.append(.strip(" ", start: 1, stop: 0)) }
        return parts
    }

    /// SentencePiece merges the neighbours whose union is the token with the highest score: every
    /// way to put a token together from two others is a merge, ranked by the token's score. Ties
    /// are resolved as `transformers` resolves them when it converts such a model.
    private func scoredMerges() throws -> [BytePairModel.Merge] {
        struct Candidate {
            var merge: BytePairModel.Merge
            var score: Double
            var leftCount: Int
            var rightCount: Int
        }
        let scores = try scores()
        var candidates: [Candidate] = []
        for (id, token) in gguf.tokens.enumerated() where type(id) == TokenType.normal {
            var token = token
            let splits = token.withUTF8 { bytes in
                let characters = bytes.count { $0 & 0xC0 != 0x80 }
                var splits: [Candidate] = []
                var leftCount = 1
                for cut in bytes.indices.dropFirst() where bytes[cut] & 0xC0 != 0x80 {
                    let left = UnsafeBufferPointer(rebasing: bytes[..<cut])
                    let right = UnsafeBufferPointer(rebasing: bytes[cut...])
                    if let left = vocabulary.table.id(of: left),
                        let right = vocabulary.table.id(of: right)
                    {
                        splits.append(
                            Candidate(
                                merge: .init(left: left, right: right, result: Int32(id)),
                                score: scores[id], leftCount: leftCount,
                                rightCount: characters - leftCount))
                    }
                    leftCount += 1
                }
                return splits
            }
            candidates += splits.sorted {
                ($0.merge.left, $0.merge.right) < ($1.merge.left, $1.merge.right)
            }
        }
        // Swift's sort is stable.
        candidates.sort {
            ($0.score, $0.leftCount, $0.rightCount) > ($1.score, $1.leftCount, $1.rightCount)
        }
        return candidates.map(\.merge)
    }

    // MARK: Unigram

    func unigram() throws -> Tokenizer.Parts {
        let hasBytes = gguf.tokenTypes.contains(TokenType.byte)
        let model = UnigramModel(
            vocabulary.table, scores: try scores(),
            unknown: try checked(gguf.unknownID, "unknown_token_id") ?? vocabulary.id(of: "<unk>"),
            byteFallback: hasBytes ? vocabulary.byteTokens() : nil)
        let scheme: PrependScheme = gguf.addSpacePrefix ?? true ? .always : .never
        var parts = try parts(.unigram(model), addsBOS: false, addsEOS: true)
        if !gguf.precompiledCharacterMap.isEmpty {
            let name = "tokenizer.ggml.precompiled_charsmap"
            parts.normalizer = [
                .precompiled(try PrecompiledMap(gguf.precompiledCharacterMap, name: name))
            ]
        }
        // As `transformers` converts SentencePiece models.
        let spaces = try Pattern(" {2,}", name: "The pattern of several spaces")
        parts.normalizer += [
            .strip(left: false, right: true),
            .replace(.pattern(spaces), with: Array("\u{2581}".utf8)),
        ]
        parts.preTokenizer = PreTokenizerStep.metaspace("\u{2581}", scheme, splits: true)
        parts.decoder = [.metaspace("\u{2581}", scheme)]
        return parts
    }

    // MARK: WordPiece

    /// GGUF writes U+2581 before tokens that start a word, and continuing ones without their "##".
    private static func wordPiece(_ token: String) -> String {
        let underline: Unicode.Scalar = "\u{2581}"
        if token.unicodeScalars.first == underline {
            return String(token.unicodeScalars.dropFirst())
        }
        return token.hasPrefix("[") && token.hasSuffix("]") ? token : "##" + token
    }

    /// GGUF does not say whether text is lowercased; a vocabulary in which no token (but special
    /// ones) has a capital letter is one for lowercased text.
    func wordPiece() throws -> Tokenizer.Parts {
        let isCased = gguf.tokens.contains { token in
            !token.hasPrefix("[")
                && token.unicodeScalars.contains { $0.properties.isUppercase && $0.isASCII }
        }
        let normalizer = BertNormalizer(
            cleansText: true, spacesIdeographs: true, stripsAccents: !isCased,
            lowercases: !isCased)
        func token(_ id: Int32?, _ key: String, _ usual: String) throws -> String {
            try checked(id, key).flatMap { vocabulary.string($0) } ?? usual
        }
        let added =
            gguf.tokenTypes.isEmpty
            ? ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"].compactMap { content in
                vocabulary.id(of: content).map { AddedToken(content: content, id: $0) }
            } : addedTokens
        return try Tokenizer.Parts.bert(
            vocabulary, normalizer, added,
            unknown: try token(gguf.unknownID, "unknown_token_id", "[UNK]"),
            classification: try token(
                gguf.classificationID ?? gguf.bosID, "cls_token_id", "[CLS]"),
            separator: try token(gguf.separatorID ?? gguf.eosID, "seperator_token_id", "[SEP]"),
            name: "tokenizer.ggml.tokens")
    }
}
