// SPDX-License-Identifier: Apache-2.0
// A tokenizer: text to ids and ids to text, as Hugging Face's `tokenizers` does it.

import Foundation

/// Turns text into the ids of a model's tokens, and ids into text.
///
/// Encoding takes five steps: added tokens are found in the text, what is left is normalized, cut
/// into pieces by the pre-tokenizer, encoded piece by piece by the model, and put between the
/// post-processor's prefix and suffix. Every step follows the reference implementation
/// (huggingface/tokenizers), whose ids this type reproduces; anything in a tokenizer's file that it
/// does not know is refused when the file is read. Padding and truncation are left to the caller.
///
/// Encoding never fails. Should a pattern of the pre-tokenizer reach its limit on backtracking, the
/// rest of that piece of text stays in one piece.
public struct Tokenizer: Sendable {
    /// The model: what encodes one piece of text.
    enum Model: Sendable {
        case bytePair(BytePairModel)
        case wordPiece(WordPieceModel)
        case wordLevel(WordLevelModel)
        case unigram(UnigramModel)
    }

    /// What a tokenizer is made of.
    struct Parts {
        var vocabulary: Vocabulary
        var model: Model
        var addedTokens: [AddedToken] = []
        var normalizer: [NormalizerStep] = []
        var preTokenizer: [PreTokenizerStep] = []
        /// Nil joins tokens by spaces.
        var decoder: [DecoderStep]?
        var prefix: [Int32] = []
        var suffix: [Int32] = []
        var beginningOfSequence: Int32?
        /// Whether the tokenizer's own settings put a BOS token in front; nil where they say nothing.
        var takesBeginning: Bool?
    }

    private let vocabulary: Vocabulary
    private let model: Model
    private let added: Set<Int32>
    private let finder: AddedTokenFinder
    private let normalizedFinder: AddedTokenFinder
    private let normalizer: [NormalizerStep]
    private let preTokenizer: [PreTokenizerStep]
    private let decoder: [DecoderStep]?

    /// The id of the token that the model expects at position 0, if it expects one.
    public let beginningOfSequence: Int32?
    /// Whether the tokenizer states that sequences begin with that token; nil where it states nothing.
    public let takesBeginning: Bool?
    /// The ids that the post-processor puts before a sequence.
    public let sequencePrefix: [Int32]
    /// The ids that the post-processor puts behind a sequence.
    public let sequenceSuffix: [Int32]

    init(_ parts: Parts) {
        vocabulary = parts.vocabulary
        model = parts.model
        normalizer = parts.normalizer
        preTokenizer = parts.preTokenizer
        decoder = parts.decoder
        sequencePrefix = parts.prefix
        sequenceSuffix = parts.suffix
        beginningOfSequence = parts.beginningOfSequence ?? parts.prefix.first
        takesBeginning = parts.takesBeginning
        added = Set(parts.addedTokens.map(\.id))
        finder = AddedTokenFinder(parts.addedTokens.filter { !$0.isNormalized }) {
            Array($0.utf8)
        }
        normalizedFinder = AddedTokenFinder(parts.addedTokens.filter(\.isNormalized)) {
            var bytes = Array($0.utf8)
            for step in parts.normalizer { step.apply(to: &bytes) }
            return bytes
        }
    }

    /// One more than the largest id.
    public var vocabularySize: Int { vocabulary.idCount }

    /// Whether a token stands beside the model's own vocabulary, as special tokens do.
    public func isAdded(_ id: Int32) -> Bool { added.contains(id) }
}

// MARK: - Encoding

extension Tokenizer {
    /// The ids of `text`, without prefix and suffix.
    ///
    /// - Parameter limit: at most this many ids, the first ones. Of a long text only as much is read
    ///   as they need.
    public func encode(_ text: String, limit: Int = .max) -> [Int32] {
        guard limit > 0 else { return [] }
        var text = text
        return text.withUTF8 { bytes in
            // A token stands for about four bytes of English.
            var window = limit < 1 << 40 ? limit * 8 + 1024 : Int.max
            while window < bytes.count {
                let ids = encode(
                    UnsafeBufferPointer(rebasing: bytes[..<window]), open: true, limit: limit)
                if ids.count == limit { return ids }
                window *= 8
            }
            return encode(bytes, open: false, limit: limit)
        }
    }

    /// The ids of `text` between prefix and suffix: `encode(add_special_tokens=True)`.
    public func encodeWithSpecialTokens(_ text: String) -> [Int32] {
        sequencePrefix + encode(text) + sequenceSuffix
    }

    /// The first `limit` ids of a text, or fewer: if it is `open` (a beginning of a text, possibly
    /// in the midst of a character), only those that what follows cannot change.
    private func encode(
        _ text: UnsafeBufferPointer<UInt8>, open: Bool, limit: Int
    ) -> [Int32] {
        var ids: [Int32] = []
        let parts = finder.parts(of: completeCharacters(text, open: open), open: open)
        for (index, part) in parts.enumerated() {
            guard ids.count < limit else { break }
            switch part {
            case .token(let id): ids.append(id)
            case .text(let range):
                let isOpen = open && index == parts.count - 1
                encode(
                    UnsafeBufferPointer(rebasing: text[range]), startsText: range.lowerBound == 0,
                    open: isOpen, limit: limit, into: &ids)
            }
        }
        return ids.count > limit ? Array(ids[..<limit]) : ids
    }

    /// Encodes text in which there are no added tokens that are looked for before normalization.
    private func encode(
        _ text: UnsafeBufferPointer<UInt8>, startsText: Bool, open: Bool, limit: Int,
        into ids: inout [Int32]
    ) {
        let count = open ? normalizableCount(text) : text.count
        var normalized = Array(text[..<count])
        for step in normalizer { step.apply(to: &normalized) }
        guard !normalizedFinder.isEmpty else {
            encodeNormalized(
                normalized, startsText: startsText, open: open, limit: limit, into: &ids)
            return
        }
        let parts = normalized.withUnsafeBufferPointer {
            normalizedFinder.parts(of: $0, open: open)
        }
        for (index, part) in parts.enumerated() {
            guard ids.count < limit else { return }
            switch part {
            case .token(let id): ids.append(id)
            case .text(let range):
                encodeNormalized(
                    Array(normalized[range]), startsText: startsText && range.lowerBound == 0,
                    open: open && index == parts.count - 1, limit: limit, into: &ids)
            }
        }
    }

    private func encodeNormalized(
        _ text: [UInt8], startsText: Bool, open: Bool, limit: Int, into ids: inout [Int32]
    ) {
        var pieces = Pieces(text, startsText: startsText, end: open ? .open : .closed)
        for step in preTokenizer { step.apply(to: &pieces) }
        switch model {
        case .bytePair(let model): model.encode(&pieces, limit: limit, into: &ids)
        case .wordPiece(let model): model.encode(&pieces, limit: limit, into: &ids)
        case .wordLevel(let model): model.encode(&pieces, limit: limit, into: &ids)
        case .unigram(let model): model.encode(&pieces, limit: limit, into: &ids)
        }
    }

    /// Without the bytes of a character that the end of an open text cut.
    private func completeCharacters(
        _ text: UnsafeBufferPointer<UInt8>, open: Bool
    ) -> UnsafeBufferPointer<UInt8> {
        guard open else { return text }
        var end = text.count
        while end > 0, text[end - 1] & 0xC0 == 0x80 { end -= 1 }
        return UnsafeBufferPointer(rebasing: text[..<max(0, end - 1)])
    }

    /// How much of an open text can be normalized without what follows: 0 if that cannot be told
    /// from its last few hundred characters.
    private func normalizableCount(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        if normalizer.isEmpty { return text.count }
        var right: Unicode.Scalar?
        var rightStart = text.count
        for _ in 0..<500 where rightStart > 0 {
            var start = rightStart - 1
            while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
            let left = decodeScalar(text, at: start).0
            if let right, normalizer.allSatisfy({ $0.allowsCut(between: left, and: right) }) {
                return rightStart
            }
            right = left
            rightStart = start
        }
        return 0
    }
}

// MARK: - Decoding

extension Tokenizer {
    /// The text of a single token, spaces kept (" cat").
    ///
    /// Bytes that are only a part of a character are written `<0xE2>`; U+FFFD never appears. An
    /// added token is its own string, an id without a token `<id 51234>`.
    public func display(_ id: Int32) -> String {
        guard let token = vocabulary[id] else { return "<id \(id)>" }
        if added.contains(id) { return String(decoding: token, as: UTF8.self) }
        var bytes = Array(token)
        for step in decoder ?? [] { bytes = step.bytesOfOne(bytes) }
        return readable(bytes)
    }

    /// The text of a sequence, special tokens included; ids without a token are left out, bytes
    /// that spell no character become U+FFFD.
    public func decode(_ ids: [Int32]) -> String {
        var tokens = ids.compactMap { vocabulary[$0].map(Array.init) }
        guard let decoder else {
            return String(decoding: Array(tokens.joined(separator: [0x20])), as: UTF8.self)
        }
        guard !tokens.isEmpty else { return "" }
        for step in decoder { step.apply(to: &tokens) }
        return String(decoding: Array(tokens.joined()), as: UTF8.self)
    }
}
