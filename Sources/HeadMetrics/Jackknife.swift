// SPDX-License-Identifier: Apache-2.0
// Standard errors of metrics, by leaving out one sequence at a time.

/// A metric's value and how sure it is.
public struct Estimate: Sendable, Equatable {
    /// The metric over all sequences.
    public let value: Double
    /// Its standard error by sequence; nil with fewer than two sequences.
    public let standardError: Double?
}

extension Metric {
    /// Values with their delete-one jackknife errors (Efron & Tibshirani 1993, ch. 11): with m_s the
    /// metric without sequence s of n, SE^2 = (n-1)/n Σ (m_s - mean m)^2. Sequences, not tokens, are
    /// the independent observations.
    ///
    /// - Parameters:
    ///   - parts: what each sequence takes away from the totals when it is left out.
    /// - Returns: one estimate a metric.
    public static func estimates(
        of metrics: [Metric], _ totals: HeadTotals, leavingOut parts: [HeadTotals]
    ) -> [Estimate] {
        let n = Double(parts.count)
        var sums = [Double](repeating: 0, count: metrics.count)
        var squares = sums
        let values = metrics.map { $0.value(totals) }
        for part in parts {
            let remainder = totals - part
            for (i, metric) in metrics.enumerated() {
                // Around the value itself, so that the squares lose nothing to cancellation.
                let difference = metric.value(remainder) - values[i]
                sums[i] += difference
                squares[i] += difference * difference
            }
        }
        return metrics.indices.map { i in
            guard parts.count >= 2 else { return Estimate(value: values[i], standardError: nil) }
            let deviation = max(0, squares[i] - sums[i] * sums[i] / n)
            return Estimate(
                value: values[i], standardError: ((n - 1) / n * deviation).squareRoot())
        }
    }
}
