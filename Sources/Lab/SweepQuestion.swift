// SPDX-License-Identifier: Apache-2.0
// Attention and score of one edge while one part of the prompt takes many values.

import Transformer
import UserErrors

/// Puts each value into the prompt's slot and watches an edge.
public struct SweepQuestion: LabQuestion, Equatable {
    public static let kind = "sweep"

    public var layer: Int
    public var head: Int
    /// With one slot: {1000..2020:20}, {a|b|c}, or {} with `values`.
    public var prompt: String
    public var values: [String]?
    public var query: Mark
    public var key: Mark

    public var address: (layer: Int, head: Int)? { (layer, head) }
    public var promptCount: Int {
        max(values?.count ?? 0, (try? SlotText(prompt).values.count) ?? 0)
    }
    public var about: String { prompt }

    public struct Answer: Codable, Sendable, Equatable {
        /// In the order of the values.
        public var rows: [Row]
        /// Values that take other than one token.
        public var severalTokens: Int
    }

    public struct Row: Codable, Sendable, Equatable {
        public var value: String
        /// How the value was tokenized.
        public var tokens: [String]
        public var query: MarkedToken
        public var key: MarkedToken
        /// Nil where the query does not see the key.
        public var score: Float?
        public var attention: Float
    }

    public func inquiry(in lab: Laboratory) throws -> Inquiry<Answer> {
        let address = try lab.head(layer: layer, head: head)
        let text = try SlotText(prompt)
        let values = text.values.isEmpty ? values ?? [] : text.values
        guard (1...SlotText.mostValues).contains(values.count) else {
            throw UserError(
                "the slot {} has \(values.count) values; give 1 to \(SlotText.mostValues) in \"values\"."
            )
        }
        let prompts = try values.map { try lab.prompt(text, value: $0) }
        let edges = try zip(values, prompts).map { value, prompt in
            do {
                return (
                    query: try query.position(in: prompt), key: try key.position(in: prompt)
                )
            } catch let error as UserError {
                throw UserError("with '\(value)' in the slot: \(error)")
            }
        }
        let looks = zip(prompts, edges).map { Look.attention(of: address, $0.ids, [$1]) }
        return Inquiry(looks: looks) { found in
            let rows = found.enumerated().map { i, found in
                let (attention, score) = found.attention(0)
                return Row(
                    value: values[i], tokens: Array(prompts[i].tokens[prompts[i].slot ?? 0..<0]),
                    query: MarkedToken(edges[i].query, of: prompts[i]),
                    key: MarkedToken(edges[i].key, of: prompts[i]), score: score,
                    attention: attention)
            }
            return Answer(rows: rows, severalTokens: rows.count { $0.tokens.count != 1 })
        }
    }
}
