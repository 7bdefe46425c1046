// SPDX-License-Identifier: Apache-2.0
// An edge's score, or what it moves, as a sum over pairs of features, and all that is not features.

import FeatureDictionaries

/// How much of an answer is worth keeping.
public struct AttributionLimits: Sendable, Equatable {
    /// Pairs of features.
    public var pairs = 30
    /// Features of each side, and written directions.
    public var marginals = 12
    /// Partners of each of those.
    public var interactions = 4

    /// The defaults.
    public init() {}
}

/// A bilinear quantity of an edge taken apart: `explained` and all of `errorTerms` add up to `total`.
public struct EdgeAttribution: Sendable, Equatable {
    /// Feature `query` at the query with feature `key` at the key.
    public struct Pair: Sendable, Equatable {
        public var query: Int32
        public var key: Int32
        public var queryActivation: Float
        public var keyActivation: Float
        public var attribution: Double
    }

    /// One feature with its partners of the other side, strongest first.
    public struct Marginal: Sendable, Equatable {
        public var feature: Int32
        /// At its position; 0 if it does not fire there.
        public var activation: Float
        /// The sum over all partners.
        public var score: Double
        public var interactions: [Interaction]
    }

    /// What a partner has of a marginal.
    public struct Interaction: Sendable, Equatable {
        public var feature: Int32
        public var score: Double
    }

    /// What is not features with features.
    public struct Term: Sendable, Equatable {
        public var query: PartKind
        public var key: PartKind
        public var value: Double
    }

    /// The score, or the output along the residual stream, as the forward pass had it.
    public var total: Double
    /// A[q,k].
    public var attention: Double
    /// The sum over all pairs of features.
    public var explained: Double
    /// The sums over all other kinds of terms.
    public var errorTerms: [Term]
    /// Strongest first.
    public var pairs: [Pair]
    /// Features at the query, each summed over the features at the key; strongest first.
    public var queryMarginals: [Marginal]
    /// Features at the key, each summed over the features at the query; strongest first.
    public var keyMarginals: [Marginal]
    /// The directions of the dictionary that the features at the key write most into; empty for a score.
    public var writes: [Write] = []

    /// A direction, and how far the head moves the residual stream along it.
    public struct Write: Sendable, Equatable {
        /// The direction's feature, its activation at the query, and what it gets from the features at
        /// the key.
        public var marginal: Marginal
        /// What it gets from the whole residual stream at the key.
        public var total: Double
        /// What it gets from all that is not features, by kind: with `marginal` they add up to `total`.
        public var errorTerms: [Term]
    }
}

/// Every product of a part of the query side and a part of the key side.
struct PartProducts {
    private let query: ResidualParts
    private let key: ResidualParts
    /// [query rows, key rows].
    private let products: Matrix

    init(_ query: ResidualParts, _ key: ResidualParts, sides: (query: Matrix, key: Matrix)) {
        self.query = query
        self.key = key
        products = sides.query.timesTransposed(sides.key)
    }

    /// The sums by kind, and the strongest of everything.
    func attribution(
        total: Double, attention: Double, _ limits: AttributionLimits
    ) -> EdgeAttribution {
        let terms = terms
        return EdgeAttribution(
            total: total, attention: attention,
            explained: terms.first { $0.query == .features && $0.key == .features }?.value ?? 0,
            errorTerms: terms.filter { $0.query != .features || $0.key != .features },
            pairs: pairs(limits.pairs),
            queryMarginals: marginals(
                query, partners: key, limits, products: products, stride: (products.columns, 1)),
            keyMarginals: marginals(
                key, partners: query, limits, products: products, stride: (1, products.columns)))
    }

    private var terms: [EdgeAttribution.Term] {
        var sums: [[Double]] = PartKind.allCases.map { _ in PartKind.allCases.map { _ in 0 } }
        for row in 0..<products.rows {
            let kind = PartKind.allCases.firstIndex(of: query.kind(ofRow: row)) ?? 0
            for (column, value) in products[row].enumerated() {
                let other = PartKind.allCases.firstIndex(of: key.kind(ofRow: column)) ?? 0
                sums[kind][other] += value
            }
        }
        let hasBias = (
            products.rows > query.features.count + 2, products.columns > key.features.count + 2
        )
        return PartKind.allCases.enumerated().flatMap { i, kind in
            PartKind.allCases.enumerated().compactMap { j, other in
                (kind == .headBias && !hasBias.0) || (other == .headBias && !hasBias.1)
                    ? nil : EdgeAttribution.Term(query: kind, key: other, value: sums[i][j])
            }
        }
    }

    private func pairs(_ count: Int) -> [EdgeAttribution.Pair] {
        let columns = key.features.count
        guard columns > 0 else { return [] }
        return strongest(count, of: query.features.count * columns) {
            products[$0 / columns, $0 % columns]
        }.map { index, value in
            let (row, column) = (index / columns, index % columns)
            return EdgeAttribution.Pair(
                query: query.features[row], key: key.features[column],
                queryActivation: query.activations[row], keyActivation: key.activations[column],
                attribution: value)
        }
    }

    /// - Parameter stride: distance in `products` between the features of this side, and between their
    ///   partners.
    private func marginals(
        _ side: ResidualParts, partners: ResidualParts, _ limits: AttributionLimits,
        products: Matrix, stride: (Int, Int)
    ) -> [EdgeAttribution.Marginal] {
        let count = partners.features.count
        let sums = side.features.indices.map { i in
            (0..<count).reduce(0.0) { $0 + products.values[i * stride.0 + $1 * stride.1] }
        }
        return strongest(limits.marginals, of: sums.count) { sums[$0] }.map { i, sum in
            EdgeAttribution.Marginal(
                feature: side.features[i], activation: side.activations[i], score: sum,
                interactions: strongest(limits.interactions, of: count) {
                    products.values[i * stride.0 + $0 * stride.1]
                }.map { .init(feature: partners.features[$0], score: $1) })
        }
    }
}

/// The `count` largest values by magnitude with their indices, largest first; of equal ones the first.
func strongest(
    _ count: Int, of total: Int, _ value: (Int) -> Double
) -> [(index: Int, value: Double)] {
    var kept: [(index: Int, value: Double)] = []
    guard count > 0 else { return kept }
    for index in 0..<total {
        let candidate = value(index)
        if kept.count == count, abs(candidate) <= abs(kept[count - 1].value) { continue }
        if kept.count == count { kept.removeLast() }
        let place = kept.firstIndex { abs($0.value) < abs(candidate) } ?? kept.count
        kept.insert((index, candidate), at: place)
    }
    return kept
}
