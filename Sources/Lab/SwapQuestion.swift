// SPDX-License-Identifier: Apache-2.0
// Is it the query or the key? Keys of one prompt meet the query of another, or one token is replaced.

import Attribution
import Transformer
import UserErrors

/// Compares a row of attention with what it becomes: with the keys of another prompt at the same offsets (`other`), or
/// after one token was replaced (`replace`).
public struct SwapQuestion: LabQuestion, Equatable {
    public static let kind = "swap"

    public var layer: Int
    public var head: Int
    public var prompt: PromptSource
    public var query: Mark
    public var key: Mark
    /// The prompt whose keys the query meets, with its own marks.
    public var other: Other?
    /// A token of the prompt, and what stands there instead.
    public var replace: Replacement?

    public struct Other: Codable, Sendable, Equatable {
        public var prompt: PromptSource
        public var query: Mark
        public var key: Mark
    }

    public struct Replacement: Codable, Sendable, Equatable {
        public var token: Mark
        public var with: String
    }

    public var address: (layer: Int, head: Int)? { (layer, head) }
    public var promptCount: Int { 2 }
    public var sources: [PromptSource] { [prompt] + (other.map { [$0.prompt] } ?? []) }

    public struct Answer: Codable, Sendable, Equatable {
        public var tokens: [String]
        public var otherTokens: [String]
        public var query: MarkedToken
        public var key: MarkedToken
        /// The row before and after, by distance from the query; softmax and all.
        public var row: [Key]
        /// Scores of both queries with both keys at the same offset; only with another prompt.
        public var crossed: Crossed?
        /// Whether keys could be turned to the offset of the others (rotary embedding).
        public var turned: Bool
    }

    /// A place of the row; nil where there is no such key.
    public struct Key: Codable, Sendable, Equatable {
        /// Query position minus key position.
        public var offset: Int
        public var before: Cell?
        public var after: Cell?
    }

    public struct Cell: Codable, Sendable, Equatable {
        public var token: MarkedToken
        /// As it enters the softmax.
        public var score: Double
        public var attention: Double
    }

    /// Scores without what the model adds for the key's position alone.
    public struct Crossed: Codable, Sendable, Equatable {
        public var ownQueryOwnKey: Double
        public var ownQueryOtherKey: Double
        public var otherQueryOwnKey: Double
        public var otherQueryOtherKey: Double
    }

    public func inquiry(in lab: Laboratory) throws -> Inquiry<Answer> {
        let address = try lab.head(layer: layer, head: head)
        let own = try Place(lab.prompt(prompt), query, key)
        switch (other, replace) {
        case (let other?, nil):
            let place = try Place(lab.prompt(other.prompt), other.query, other.key)
            return Inquiry(looks: Self.rows(address, [own, place])) {
                meet(own, place, address, lab.description, $0.map(\.seen.edges))
            }
        case (nil, let replace?):
            let changed = try changed(own, replace, lab)
            return Inquiry(looks: Self.rows(address, [own, changed])) { found in
                let rows = found.map { ScoreRow($0.seen.edges) }
                return answer(
                    own, after: changed, before: rows[0], rows[1], turned: true, crossed: nil)
            }
        default:
            throw UserError(
                "a swap needs either \"other\", a prompt whose keys are met, or \"replace\", a token and another text."
            )
        }
    }

    /// A prompt with its marks resolved.
    private struct Place {
        let prompt: Prompt
        let query: Int
        let key: Int

        init(_ prompt: Prompt, _ query: Mark, _ key: Mark) throws {
            self.prompt = prompt
            self.query = try query.position(in: prompt)
            self.key = try key.position(in: prompt)
        }
    }

    /// The query of `own` with the keys of `other`.
    private func meet(
        _ own: Place, _ other: Place, _ head: HeadAddress, _ description: ModelDescription,
        _ rows: [[EdgeObservation]]
    ) -> Answer {
        let rule = ScoreRule(head, of: description)
        let before = ScoreRow(rows[0])
        let (q, otherQ) = (rows[0][own.query].q, rows[1][other.query].q)
        // The other prompt's places, counted as this query's own neighbours.
        let steps = own.query - other.query
        var scores: [Int: Double] = [:]
        for edge in rows[1] where edge.score != nil {
            let key = edge.edge.key
            scores[key] = rule.score(q, rule.moved(edge.k, by: steps)) + rule.bias(key)
        }
        let after = ScoreRow(scores: scores, sink: before.sink)
        let distance = own.query - own.key
        func score(_ query: [Float], at position: Int, _ key: [Float], at place: Int) -> Double {
            rule.score(query, rule.moved(key, by: position - distance - place))
        }
        let (k, otherK) = (rows[0][own.key].k, rows[1][other.key].k)
        return answer(
            own, after: other, before: before, after, turned: rule.turns,
            crossed: Crossed(
                ownQueryOwnKey: score(q, at: own.query, k, at: own.key),
                ownQueryOtherKey: score(q, at: own.query, otherK, at: other.key),
                otherQueryOwnKey: score(otherQ, at: other.query, k, at: own.key),
                otherQueryOtherKey: score(otherQ, at: other.query, otherK, at: other.key)))
    }

    /// The prompt with one token replaced.
    private func changed(
        _ own: Place, _ replacement: Replacement, _ lab: Laboratory
    ) throws -> Place {
        let position = try replacement.token.position(in: own.prompt)
        let text = replacement.with
        let ids = lab.ids(of: text)
        guard ids.count == 1 else {
            throw UserError(
                "'\(text)' is \(ids.count) tokens, and only one token can take another's place; try with or without a space before it."
            )
        }
        var changed = own.prompt.ids
        changed[position] = ids[0]
        return try Place(
            lab.prompt(ids: changed), Mark(.position(own.query)), Mark(.position(own.key)))
    }

    private func answer(
        _ own: Place, after other: Place, before: ScoreRow, _ after: ScoreRow, turned: Bool,
        crossed: Crossed?
    ) -> Answer {
        func cells(_ row: ScoreRow, _ place: Place) -> [Int: Cell] {
            let attention = row.attention
            return Dictionary(
                uniqueKeysWithValues: row.scores.map { key, score in
                    (
                        place.query - key,
                        Cell(
                            token: MarkedToken(key, of: place.prompt), score: score,
                            attention: attention[key] ?? 0)
                    )
                })
        }
        let (first, second) = (cells(before, own), cells(after, other))
        return Answer(
            tokens: own.prompt.tokens, otherTokens: other.prompt.tokens,
            query: MarkedToken(own.query, of: own.prompt),
            key: MarkedToken(own.key, of: own.prompt),
            row: Set(first.keys).union(second.keys).sorted(by: >).map {
                Key(offset: $0, before: first[$0], after: second[$0])
            },
            crossed: crossed, turned: turned)
    }

    /// Looks at all edges of the query in each prompt, by key; keys that it does not see have no score.
    private static func rows(_ head: HeadAddress, _ places: [Place]) -> [Look] {
        places.map { place in
            var request = SequenceRequest(place.prompt.ids[...])
            request.edges = place.prompt.ids.indices.map {
                HeadEdge(head, query: place.query, key: $0)
            }
            return Look(request: request)
        }
    }
}
