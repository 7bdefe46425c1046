// SPDX-License-Identifier: Apache-2.0
// How a question points at a token of a prompt: by position, by text, or by the prompt's slot.

import Foundation
import UserErrors

/// A place in a prompt that is found once its tokens are known.
///
/// In JSON a mark is a number (a position; negative ones count from the end), a text ("Paris"; "the#2" is its second
/// occurrence; "{}" is the last token of the slot), or an object of position, text or slot with `occurrence`
/// and `offset`, tokens after it.
public struct Mark: Sendable, Equatable {
    /// What is looked for.
    public enum Place: Sendable, Equatable {
        case position(Int)
        case text(String)
        case slot
    }

    public var place: Place
    /// Which of several occurrences of a text, from 1.
    public var occurrence: Int?
    /// So many tokens after what was found.
    public var offset = 0

    public init(_ place: Place, occurrence: Int? = nil, offset: Int = 0) {
        self.place = place
        self.occurrence = occurrence
        self.offset = offset
    }

    /// Reads "{}", "the#2", "Paris".
    public init(_ text: String) {
        if text == "{}" {
            self.init(.slot)
        } else if let match = text.wholeMatch(of: /(.+)#([1-9][0-9]{0,5})/),
            let number = Int(match.2)
        {
            self.init(.text(String(match.1)), occurrence: number)
        } else {
            self.init(.text(text))
        }
    }

    /// The same with `change` applied to its text.
    func mapText(_ change: (String) -> String) -> Mark {
        guard case .text(let text) = place else { return self }
        return Mark(.text(change(text)), occurrence: occurrence, offset: offset)
    }

    /// The position in a prompt.
    ///
    /// A text is found as a run of whole tokens, without regard to spaces around it, and stands for the run's last
    /// token.
    public func position(in prompt: Prompt) throws -> Int {
        let found: Int
        switch place {
        case .position(let position):
            found = position < 0 ? prompt.ids.count + position : position
        case .slot:
            guard let slot = prompt.slot else {
                throw UserError(
                    "this prompt has no slot for the mark {}; write one, such as {1..9} or {a|b}.")
            }
            found = slot.upperBound - 1
        case .text(let text): found = try position(of: text, in: prompt)
        }
        let position = found + offset
        guard prompt.ids.indices.contains(position) else {
            throw UserError(
                "position \(position) is not in this prompt; it has \(prompt.ids.count) tokens, 0 to \(prompt.ids.count - 1)."
            )
        }
        return position
    }

    private func position(of text: String, in prompt: Prompt) throws -> Int {
        let found = prompt.positions(of: text)
        guard let occurrence else {
            guard let first = found.first else {
                throw UserError(
                    "'\(text)' is not in this prompt; its tokens are \(prompt.listedTokens).")
            }
            guard found.count == 1 else {
                throw UserError(
                    "'\(text)' is \(found.count) times in this prompt, at \(found.prefix(8).map(String.init).joined(separator: ", ")); say which, such as '\(text)#2'."
                )
            }
            return first
        }
        guard (1...max(found.count, 1)).contains(occurrence), !found.isEmpty else {
            throw UserError(
                "'\(text)' is \(found.count) times in this prompt, not \(occurrence); its tokens are \(prompt.listedTokens)."
            )
        }
        return found[occurrence - 1]
    }
}

extension Mark: Codable {
    private enum CodingKeys: String, CodingKey { case position, text, slot, occurrence, offset }

    public init(from decoder: any Decoder) throws {
        if let single = try? decoder.singleValueContainer() {
            if let position = try? single.decode(Int.self) {
                self.init(.position(position))
                return
            }
            if let text = try? single.decode(String.self) {
                self.init(text)
                return
            }
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let occurrence = try container.decodeIfPresent(Int.self, forKey: .occurrence)
        let offset = try container.decodeIfPresent(Int.self, forKey: .offset) ?? 0
        guard abs(offset) < 1 << 20 else {
            throw DecodingError.dataCorruptedError(
                forKey: .offset, in: container, debugDescription: "must be a number of tokens")
        }
        if let position = try container.decodeIfPresent(Int.self, forKey: .position) {
            self.init(.position(position), occurrence: occurrence, offset: offset)
        } else if let text = try container.decodeIfPresent(String.self, forKey: .text) {
            self.init(.text(text), occurrence: occurrence, offset: offset)
        } else if container.contains(.slot) {
            self.init(.slot, offset: offset)
        } else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription:
                        "must be a position, the text of a token, or {} for the prompt's slot"))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        if offset == 0, case .position(let position) = place {
            var single = encoder.singleValueContainer()
            return try single.encode(position)
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch place {
        case .position(let position): try container.encode(position, forKey: .position)
        case .text(let text): try container.encode(text, forKey: .text)
        case .slot: try container.encode(true, forKey: .slot)
        }
        try container.encodeIfPresent(occurrence, forKey: .occurrence)
        if offset != 0 { try container.encode(offset, forKey: .offset) }
    }
}
