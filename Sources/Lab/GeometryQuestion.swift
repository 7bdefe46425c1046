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

    public func answer(in lab: Laboratory) throws -> Answer {
        let address = try lab.head(layer: layer, head: head)
        let offset = offset ?? 1
        guard (1...Self.most).contains(queries.count), (1...Self.most).contains(keys.count) else {
            throw UserError("queries and keys must be lists of 1 to \(Self.most) places.")
        }
        guard abs(offset) < 1 << 20 else { throw UserError("offset must be a number of tokens.") }
        let rule = ScoreRule(address, of: lab.description)
        let isCentred = centred ?? false
        let queryVectors = try vectors(of: queries, address, lab) { edge in
            rule.moved(edge.q, by: offset - edge.edge.query)
        }
        let keyVectors = try vectors(of: keys, address, lab) { edge in
            rule.moved(edge.k, by: -edge.edge.key)
        }
        func prepared(_ rows: [[Float]]) -> [[Float]] { isCentred ? Self.centred(rows) : rows }
        let (q, k) = (prepared(queryVectors.map(\.vector)), prepared(keyVectors.map(\.vector)))
        let (x, y) = (prepared(queryVectors.map(\.stream)), prepared(keyVectors.map(\.stream)))
        return Answer(
            queries: queryVectors.map(\.token), keys: keyVectors.map(\.token),
            scores: Table(
                q.map { q in k.map { Float(rule.score(q, $0, capped: !isCentred)) } }),
            cosines: Table(x.map { x in y.map { Self.cosine(x, $0) } }), turned: rule.turns)
    }

    private func vectors(
        of places: [Place], _ head: HeadAddress, _ lab: Laboratory,
        _ take: (EdgeObservation) -> [Float]
    ) throws -> [(token: MarkedToken, vector: [Float], stream: [Float])] {
        let prompts = try places.map { try lab.prompt($0.prompt) }
        let positions = try zip(places, prompts).map { try $0.mark.position(in: $1) }
        return try lab.observe(
            head, prompts.map(\.ids), edges: positions.map { [($0, $0)] }
        ) { i, edges in
            (MarkedToken(positions[i], of: prompts[i]), take(edges[0]), edges[0].queryResidual)
        }
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
