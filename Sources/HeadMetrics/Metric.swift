// SPDX-License-Identifier: Apache-2.0
// Every metric of a head: name, description and formula, in one place.
//
// To add a metric, add it to `Metric.all`; if it needs a sum that the scan does not yet take, add that to
// HeadSums and its `Sum.all` (Sources/AttentionStats), and take it in ScanVisitor, first.

/// A number that characterises a head, computed from its sums over all walked sequences.
public struct Metric: Sendable {
    /// The column's name in scatter_data.json.
    public let name: String
    /// One or two sentences for tooltips.
    public let description: String
    /// The metric of some totals; finite, 0 where it is undefined.
    public let value: @Sendable (HeadTotals) -> Double

    /// All metrics, in display order.
    public static let all: [Metric] = [
        Metric(
            name: "self_attention_score",
            description: "Mean attention of a token to itself: the mean of A[q,q]."
        ) { mean($0.selfAttention, over: $0.queries) },
        Metric(
            name: "previous_token_score",
            description: "Mean attention to the token before: the mean of A[q,q-1]."
        ) { mean($0.previousToken, over: $0.laterQueries) },
        Metric(
            name: "pattern_entropy",
            description:
                "Mean Shannon entropy (nats) of the attention of a query. Low: sharp; high: diffuse."
        ) { mean($0.entropy, over: $0.queries) },
        Metric(
            name: "qk_distance",
            description: "Mean distance |q-k| in tokens, weighted by attention."
        ) { mean($0.distance, over: $0.queries) },
        Metric(
            name: "qk_distance_variance",
            description: "Variance of the distance |q-k| under the attention: E[d^2] - E[d]^2."
        ) {
            let distance = mean($0.distance, over: $0.queries)
            return max(0, mean($0.distanceSquared, over: $0.queries) - distance * distance)
        },
        Metric(
            name: "induction_score",
            description:
                "Mean attention to the tokens that followed earlier occurrences of the query's token: the mean over repeated tokens q of the sum of A[q,j+1], token[j] = token[q], j < q."
        ) { mean($0.induction, over: $0.repeatedQueries) },
        Metric(
            name: "logit_std",
            description:
                "Mean standard deviation of a query's scores before the softmax, over the keys it sees."
        ) { mean($0.logitStd, over: $0.logitRows) },
        Metric(
            name: "top_logit_margin",
            description: "Mean difference of a query's two largest scores before the softmax."
        ) { mean($0.topLogitMargin, over: $0.logitRows) },
        Metric(
            name: "logit_z_score",
            description:
                "Mean of (largest - mean) / standard deviation of a query's scores before the softmax."
        ) { mean($0.logitZScore, over: $0.logitRows) },
        Metric(
            name: "query_token_entropy",
            description:
                "Entropy (nats) of the query tokens of high-attention pairs. Low: few tokens make this head attend."
        ) { $0.queryTokens.entropy },
        Metric(
            name: "key_token_entropy",
            description:
                "Entropy (nats) of the key tokens of high-attention pairs. Low: the head attends to few tokens."
        ) { $0.keyTokens.entropy },
        Metric(
            name: "duplicate_token_score",
            description:
                "Mean attention to earlier occurrences of the query's own token, over repeated tokens."
        ) { mean($0.duplicateToken, over: $0.repeatedQueries) },
        Metric(
            name: "sink_score",
            description:
                "Mean attention to position 0, the attention sink: how much of the time the head rests."
        ) { mean($0.sink, over: $0.queries) },
        Metric(
            name: "sink_rate",
            description:
                "Share of queries that rest on position 0, the attention sink: A[q,0] > 0.3 (Gu et al. 2024)."
        ) { mean($0.restingQueries, over: $0.queries) },
        Metric(
            name: "effective_keys",
            description:
                "Mean of exp(entropy of a row) over the number of keys it sees: the share of its keys that a query attends to. 1: all alike."
        ) { mean($0.effectiveKeys, over: $0.queries) },
        Metric(
            name: "local_share",
            description: "Mean attention to tokens at most 8 positions away, itself included."
        ) { mean($0.local, over: $0.queries) },
        Metric(
            name: "output_norm",
            description:
                "Mean norm of what the head adds to the residual stream, |z W_O|, over the mean of the studied heads of its layer. Far below 1: the head does next to nothing (arXiv 2504.03889)."
        ) { $0.layerOutputNorm > 0 ? $0.outputNorm / $0.layerOutputNorm : 0 },
    ]

    /// Of models whose heads have a learned sink, a logit that takes part in every row's softmax without a key:
    /// their attention adds up to less than one, and is shown as it is.
    public static let learnedSink = Metric(
        name: "learned_sink_score",
        description:
            "Mean share of the attention that goes to the head's learned sink instead of a token: 1 - sum of A[q,k]."
    ) { mean($0.learnedSink, over: $0.queries) }
}

/// A mean that is 0 over nothing.
private func mean(_ sum: Double, over count: Double) -> Double { count > 0.5 ? sum / count : 0 }
