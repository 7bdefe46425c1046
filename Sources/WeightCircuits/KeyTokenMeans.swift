// SPDX-License-Identifier: Apache-2.0
// What a head carries over from each of its strongest key tokens, on average.

/// The mean of A[q,k] v over a head's edges to one key token.
public struct KeyTokenMean: Sendable, Equatable {
    /// The key's token; nil: all edges.
    public let token: Int32?
    /// How many edges.
    public let count: Int
    public let meanAttention: Double
    /// Mean of A v, [dValue].
    public let carried: [Float]

    /// All edges first, then the key tokens by mean attention. A token of fewer than `leastEdges` edges only fills
    /// up what others leave.
    ///
    /// - Parameters:
    ///   - tokens: of each edge's key; `attention` its A[q,k].
    ///   - values: [edges, width], of which the first `dValue` columns are v.
    ///   - limit: key tokens listed.
    public static func all(
        tokens: [Int32], attention: [Float], values: [Float], width: Int, dValue: Int, limit: Int,
        leastEdges: Int = 3
    ) -> [KeyTokenMean] {
        guard !tokens.isEmpty else { return [] }
        var edges: [Int32: [Int]] = [:]
        for (edge, token) in tokens.enumerated() { edges[token, default: []].append(edge) }
        func mean(_ token: Int32?, _ edges: [Int]) -> KeyTokenMean {
            var sum = [Double](repeating: 0, count: dValue)
            var total = 0.0
            for edge in edges {
                let a = Double(attention[edge])
                total += a
                for i in 0..<dValue { sum[i] += a * Double(values[edge * width + i]) }
            }
            let n = Double(edges.count)
            return KeyTokenMean(
                token: token, count: edges.count, meanAttention: total / n,
                carried: sum.map { Float($0 / n) })
        }
        let means = edges.map { mean($0.key, $0.value) }.sorted { a, b in
            let (often, alsoOften) = (a.count >= leastEdges, b.count >= leastEdges)
            if often != alsoOften { return often }
            return (a.meanAttention, b.token ?? 0) > (b.meanAttention, a.token ?? 0)
        }
        return [mean(nil, Array(tokens.indices))] + means.prefix(limit)
    }
}
