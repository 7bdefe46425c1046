// SPDX-License-Identifier: Apache-2.0
// "It happened in {1000..2020:20}, and then": a text with one slot and the values that go into it.

import UserErrors

/// A text around a slot.
public struct SlotText: Sendable, Equatable {
    public let before: String
    public let after: String
    /// What the slot itself lists; empty for {}.
    public let values: [String]

    /// The most values of a slot.
    public static let mostValues = 5000

    /// Reads {1000..2020:20} (a step may be left out), {a|b|c} and {}; other braces are text.
    ///
    /// - Throws: unless there is exactly one slot.
    public init(_ text: String) throws {
        let slot = /\{(?:(-?\d{1,9})\.\.(-?\d{1,9})(?::(\d{1,9}))?|([^{}|]*(?:\|[^{}|]*)+))?\}/
        let found = text.matches(of: slot)
        guard found.count == 1, let match = found.first else {
            throw UserError(
                found.isEmpty
                    ? "the prompt has no slot; write {1000..2020:20}, {a|b|c}, or {} with a list of values."
                    : "the prompt has \(found.count) slots; leave one of them.")
        }
        before = String(text[..<match.range.lowerBound])
        after = String(text[match.range.upperBound...])
        if let first = match.1.flatMap({ Int($0) }), let last = match.2.flatMap({ Int($0) }) {
            let step = match.3.flatMap { Int($0) } ?? 1
            guard step > 0, first <= last, (last - first) / step < Self.mostValues else {
                throw UserError(
                    "the slot {\(first)..\(last):\(step)} must go up by a step of at least 1, in at most \(Self.mostValues) values."
                )
            }
            values = stride(from: first, through: last, by: step).map(String.init)
        } else if let list = match.4 {
            values = list.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        } else {
            values = []
        }
    }
}
