// SPDX-License-Identifier: Apache-2.0
// From sums over watched sequences to how alike the patterns of two heads are.

import AttentionStats

/// The likeness of every pair of heads, freed of what rests on position 0.
///
/// With m_ij the mean Bhattacharyya coefficient of heads i and j over keys after position 0, m_ii is the share of
/// head i's attention outside position 0, and likeness is m_ij / sqrt(m_ii m_jj): 1 where both heads attend alike
/// with what they do not leave on position 0. It is the cosine of square-root patterns, a positive kernel.
public struct PatternLikeness: Sendable {
    /// Another head, and how alike its patterns are.
    public struct Neighbor: Sendable, Equatable {
        /// The other head's index.
        public var head: Int
        /// 0 to 1.
        public var likeness: Double
        /// Its standard error by sequence, with the two shares outside position 0 held; nil with fewer than two.
        public var standardError: Double?

        /// Another head.
        public init(head: Int, likeness: Double, standardError: Double?) {
            self.head = head
            self.likeness = likeness
            self.standardError = standardError
        }
    }

    /// Number of heads.
    public let heads: Int
    /// [heads, heads], 0 to 1; 0 for a head that does nothing but rest.
    public let values: [Double]
    private let sums: Likeness

    /// Likeness by the sums of a scan.
    public init(_ sums: Likeness) {
        self.sums = sums
        let n = sums.heads
        heads = n
        var values = [Double](repeating: 0, count: n * n)
        for i in 0..<n {
            for j in 0..<n {
                let scale = (sums.sum[i * n + i] * sums.sum[j * n + j]).squareRoot()
                // Both orders of a pair come from one matrix product, equal to rounding.
                let both = (sums.sum[i * n + j] + sums.sum[j * n + i]) / 2
                values[i * n + j] = scale > 0 ? min(1, both / scale) : 0
            }
        }
        self.values = values
    }

    /// The `count` heads whose patterns are most like a head's, of equals the earlier first.
    public func neighbors(of head: Int, count: Int) -> [Neighbor] {
        (0..<heads).filter { $0 != head }
            .sorted { (values[head * heads + $1], $0) < (values[head * heads + $0], $1) }
            .prefix(count)
            .map {
                Neighbor(
                    head: $0, likeness: values[head * heads + $0],
                    standardError: standardError(head, $0))
            }
    }

    private func standardError(_ i: Int, _ j: Int) -> Double? {
        let n = Double(sums.sequences)
        guard n >= 2 else { return nil }
        let mean = sums.sum[i * heads + j] / n
        let variance = max(0, sums.sumOfSquares[i * heads + j] / n - mean * mean) * n / (n - 1)
        let scale = (sums.sum[i * heads + i] * sums.sum[j * heads + j]).squareRoot() / n
        return scale > 0 ? (variance / n).squareRoot() / scale : 0
    }
}
