// SPDX-License-Identifier: Apache-2.0
// The numbers that the probe gives, by sequence.

import AttentionStats

/// A mean over the queries of a sequence's second half.
struct ProbeMetric: Sendable {
    /// The column's name in scatter_data.json.
    let name: String
    /// One or two sentences.
    let about: String
    /// The mean of one sequence.
    ///
    /// - Parameter repeats: queries whose token stood earlier.
    let value: @Sendable (_ sums: HeadSums, _ repeats: Int) -> Double

    /// Induction that no corpus biases.
    static let prefixMatching = ProbeMetric(
        name: "prefix_matching_score",
        about:
            "On random tokens repeated once: mean attention from a token's second occurrence to the token after its first (Olsson et al. 2022). Induction that no corpus biases."
    ) { sums, repeats in repeats > 0 ? sums.induction / Double(repeats) : 0 }

    /// For models with a direct path from heads to logits.
    static let repeatCopying = ProbeMetric(
        name: "repeat_copying",
        about:
            "On the second half of random tokens repeated once: mean of what the head adds directly to the logits of the tokens it attends to. Above 0: it copies what it finds."
    ) { sums, _ in sums.logitQueries > 0 ? sums.attendedLogit / sums.logitQueries : 0 }
}

/// The mean of values and its standard error s / sqrt(n): sequences are independent, and alike in length.
func meanWithError(_ values: [Double]) -> (mean: Double, error: Double) {
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, values.count > 1 ? (squares / (n - 1) / n).squareRoot() : .nan)
}
