// SPDX-License-Identifier: Apache-2.0
// A prompt as the model reads it: token ids, their texts, and where its slot lies.

import Foundation
import Stages
import Tokenizers
import UserErrors

/// A tokenized prompt.
public struct Prompt: Sendable, Equatable {
    public let ids: [Int32]
    /// For people, one a position.
    public let tokens: [String]
    /// The tokens that the slot's value is in.
    public let slot: Range<Int>?

    /// Tokens that an error lists.
    private static let listed = 40
    /// The longest run of tokens that a mark's text may span.
    private static let longestRun = 16

    /// The last positions of the runs of tokens that spell a text, spaces around it aside.
    func positions(of text: String) -> [Int] {
        let wanted = text.trimmingCharacters(in: .whitespaces)
        guard !wanted.isEmpty else {
            return tokens.indices.filter { tokens[$0] == text }
        }
        var found: [Int] = []
        for start in tokens.indices {
            var run = ""
            for end in start..<min(start + Self.longestRun, tokens.count) {
                run += tokens[end]
                let spelled = run.trimmingCharacters(in: .whitespaces)
                if spelled == wanted {
                    // A token of spaces before the run begins none of its own.
                    if found.last != end { found.append(end) }
                    break
                }
                guard wanted.hasPrefix(spelled) else { break }
            }
        }
        return found
    }

    /// The tokens in quotes, as far as a sentence can hold them.
    var listedTokens: String {
        let shown = tokens.prefix(Self.listed).map { "'\($0)'" }.joined(separator: " ")
        return tokens.count > Self.listed ? "\(shown) ..." : shown
    }
}

/// A prompt of a question: a text, or a sequence that is stored.
public enum PromptSource: Codable, Sendable, Equatable {
    case text(String)
    /// The number of a sequence of the corpus, or the id of a custom one.
    case sequence(String)

    private enum CodingKeys: String, CodingKey { case sequence }

    public init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            self = .text(text)
            return
        }
        guard let container = try? decoder.container(keyedBy: CodingKeys.self) else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "must be a text, or a stored sequence as {\"sequence\": 12}"))
        }
        if let number = try? container.decode(Int.self, forKey: .sequence) {
            self = .sequence(String(number))
        } else {
            self = .sequence(try container.decode(String.self, forKey: .sequence))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .text(let text):
            var container = encoder.singleValueContainer()
            try container.encode(text)
        case .sequence(let id):
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(id, forKey: .sequence)
        }
    }
}

/// Makes prompts of texts.
struct PromptReader {
    let model: LoadedModel
    /// What stands before and after every text.
    let ends: (prefix: [Int32], suffix: [Int32])
    /// The most tokens that a prompt may have.
    let longest: Int

    /// The prompt of a text without a slot.
    func prompt(_ text: String) throws -> Prompt { try prompt(ids: encoded(text)) }

    /// The prompt of a text with a value in its slot.
    func prompt(_ text: SlotText, value: String) throws -> Prompt {
        let whole = text.before + value + text.after
        let ids = try encoded(whole)
        let inner = ids.count - ends.prefix.count - ends.suffix.count
        let body = Array(ids.dropFirst(ends.prefix.count).prefix(inner))
        // Tokens belong to the text before if they are its own too, and likewise to what follows.
        let tokenizer = model.tokenizer
        let start = Self.shared(body, tokenizer.encode(text.before))
        let after =
            ["", "0", "x", "."].map {
                Self.shared(body.reversed(), tokenizer.encode($0 + text.after).reversed())
            }.max() ?? 0
        let end = max(start, inner - (text.after.isEmpty ? 0 : after))
        let first = ends.prefix.count + min(start, max(inner - 1, 0))
        return try prompt(ids: ids, slot: first..<max(ends.prefix.count + end, first + 1))
    }

    /// The prompt of these ids, as they are.
    func prompt(ids: [Int32], slot: Range<Int>? = nil) throws -> Prompt {
        guard ids.count <= longest else {
            throw UserError(
                "a prompt has \(ids.count) tokens, more than the \(longest) that \(model.name) can take here; shorten it."
            )
        }
        return Prompt(ids: ids, tokens: ids.map(model.tokenizer.display), slot: slot)
    }

    private func encoded(_ text: String) throws -> [Int32] {
        let room = max(0, longest - ends.prefix.count - ends.suffix.count)
        let ids = model.tokenizer.encode(text, limit: room + 1)
        guard !ids.isEmpty else { throw UserError("a prompt has no tokens; write some text.") }
        guard ids.count <= room else {
            throw UserError(
                "a prompt has more tokens than the \(room) that \(model.name) can take here; shorten it."
            )
        }
        return ends.prefix + ids + ends.suffix
    }

    /// How many elements both begin with.
    private static func shared(_ a: some Sequence<Int32>, _ b: some Sequence<Int32>) -> Int {
        zip(a, b).prefix { $0 == $1 }.count
    }
}
