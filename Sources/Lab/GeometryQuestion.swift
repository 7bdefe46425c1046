// SPDX-License-Identifier: Apache-2.0
// How do queries and keys lie to each other? Every query of some prompts with every key of others.

import Attribution
import Transformer
import UserErrors

/// The matrix of scores of N queries and M keys, all at one offset, and of their residual streams' cosines.
public struct GeometryQuestion: LabQuestion, Equatable {
    public static let kind = "geometry"

    public var layer: Int
    public var head: Int
    public var queries: [Place]
    public var keys: [Place]
    /// How far the keys stand before the queries; 1 unless given.
    public var offset: Int?
    /// Whether the mean of the queries and the mean of the keys are taken off, and likewise of the residual streams.
    public var centred: Bool?

    public struct Place: Codable, Sendable, Equatable {
        public var prompt: PromptSource
        public var mark: Mark
    }

    public var address: (layer: Int, head: Int)? { (layer, head) }
    public var promptCount: Int { queries.count + keys.count }
    public var sources: [PromptSource] { (queries + keys).map(\.prompt) }

    public struct Answer: Codable, Sendable, Equatable {
        public var queries: [MarkedToken]
        public var keys: [MarkedToken]
        /// [queries, keys]: before any bias by position; soft-capped where the model does so and nothing is taken off.
        public var scores: Table
        /// [queries, keys]: cosines of the residual streams that enter the layer.
        public var cosines: Table
        /// Whether vectors could be brought to one offset (rotary embedding).
        public var turned: Bool
    }

    /// A matrix and its means.
    public struct Table: Codable, Sendable, Equatable {
        public var values: [[Float]]
        public var rowMeans: [Double]
        public var columnMeans: [Double]
        /// Of a square matrix: the mean of its diagonal, and of all else.
        public var diagonalMean: Double?
        public var otherMean: Double?
    }

    /// The most queries, and the most keys.
    private static let most = 500

    public func inquiry(in lab: Laboratory) throws -> Inquiry<Answer> {
        let address = try lab.head(layer: layer, head: head)
        let offset = offset ?? 1
        guard (1...Self.most).contains(queries.count), (1...Self.most).contains(keys.count) else {
            throw UserError("queries and keys must be lists of 1 to \(Self.most) places.")
        }
        guard abs(offset) < 1 << 20 else { throw UserError("offset must be a number of tokens.") }
        let rule = ScoreRule(address, of: lab.description)
        let width = lab.description.dModel
        let atQueries = try looks(queries, "query and stream", address, lab) { $0.q }
        let atKeys = try looks(keys, "key and stream", address, lab) { $0.k }
        return Inquiry(looks: atQueries.looks + atKeys.looks) { found in
            func vectors(
                _ places: [MarkedToken], _ found: ArraySlice<Finding>, at position: (Int) -> Int
            ) -> (heads: [[Float]], streams: [[Float]]) {
                let rows = zip(places, found).map { ($0.position, $1.numbers) }
                return (
                    rows.map { place, row in
                        rule.moved(Array(row.dropLast(width)), by: position(place))
                    },
                    rows.map { Array($1.suffix(width)) }
                )
            }
            return answer(
                (atQueries.tokens, atKeys.tokens),
                vectors(atQueries.tokens, found[..<queries.count]) { offset - $0 },
                vectors(atKeys.tokens, found[queries.count...]) { -$0 }, rule)
        }
    }

    /// A look at each place, that keeps the head's vector and the residual stream.
    private func looks(
        _ places: [Place], _ name: String, _ head: HeadAddress, _ lab: Laboratory,
        _ vector: @escaping (EdgeObservation) -> [Float]
    ) throws -> (tokens: [MarkedToken], looks: [Look]) {
        let prompts = try places.map { try lab.prompt($0.prompt) }
        let positions = try zip(places, prompts).map { try $0.mark.position(in: $1) }
        return (
            zip(positions, prompts).map { MarkedToken($0, of: $1) },
            zip(positions, prompts).map { position, prompt in
                .edges(head, prompt.ids, [(position, position)], name) {
                    vector($0[0]) + $0[0].queryResidual
                }
            }
        )
    }

    private func answer(
        _ tokens: (queries: [MarkedToken], keys: [MarkedToken]),
        _ queries: (heads: [[Float]], streams: [[Float]]),
        _ keys: (heads: [[Float]], streams: [[Float]]), _ rule: ScoreRule
    ) -> Answer {
        let isCentred = centred ?? false
        func prepared(_ rows: [[Float]]) -> [[Float]] { isCentred ? Self.centred(rows) : rows }
        let (q, k) = (prepared(queries.heads), prepared(keys.heads))
        let (x, y) = (prepared(queries.streams), prepared(keys.streams))
        return Answer(
            queries: tokens.queries, keys: tokens.keys,
            scores: Table(
                q.map { q in k.map { Float(rule.score(q, $0, capped: !isCentred)) } }),
            cosines: Table(x.map { x in y.map { Self.cosine(x, $0) } }), turned: rule.turns)
    }

    private static func centred(_ rows: [[Float]]) -> [[Float]] {
        let mean = rows[0].indices.map { i in
            Float(rows.reduce(0.0) { $0 + Double($1[i]) } / Double(rows.count))
        }
        return rows.map { zip($0, mean).map { $0 - $1 } }
    }

    private static func cosine(_ a: [Float], _ b: [Float]) -> Float {
        var (ab, aa, bb) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            ab += Double(x) * Double(y)
            aa += Double(x) * Double(x)
            bb += Double(y) * Double(y)
        }
        return aa > 0 && bb > 0 ? Float(ab / (aa * bb).squareRoot()) : 0
    }
}

extension GeometryQuestion.Table {
    init(_ values: [[Float]]) {
        func mean(_ list: some Collection<Float>) -> Double {
            list.reduce(0.0) { $0 + Double($1) } / Double(list.count)
        }
        self.values = values
        rowMeans = values.map(mean)
        columnMeans = values[0].indices.map { column in mean(values.map { $0[column] }) }
        guard values.count == values[0].count, values.count > 1 else { return }
        let diagonal = values.indices.map { values[$0][$0] }
        diagonalMean = mean(diagonal)
        otherMean = mean(
            values.indices.flatMap { i in
                values.indices.filter { $0 != i }.map { values[i][$0] }
            })
    }
}
