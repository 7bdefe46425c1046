// SPDX-License-Identifier: Apache-2.0
// What is shown of one head, and under which labels.

import AttentionStats
import DataTree
import Sampling
import WorkFiles

/// Builds the payload of one head after another.
struct HeadPayloadBuilder {
    private let work: WorkSet
    /// [head][bin].
    private let massByDistance: [[Double]]
    /// [sequence, head].
    private let maxActivations: [Float]
    private let composition: CompositionTable?
    private let writesOfHead: [Int: [WritesFile.Row]]
    private let directionsOfHead: [Int: [WritesFile.Direction]]

    init(_ work: WorkSet) throws {
        self.work = work
        massByDistance = try work.scan.massByDistance()
        maxActivations = try work.scan.maxActivations()
        composition = work.weights.map(CompositionTable.init)
        writesOfHead = Dictionary(grouping: work.writes?.rows ?? [], by: \.head)
        directionsOfHead = Dictionary(grouping: work.writes?.directions ?? [], by: \.head)
    }

    static let plots = [
        DisplayedField(
            key: "qk_distance_histogram", label: "Query-key distance",
            description:
                "How many stored pairs are |q-k| tokens apart, row 0 and column 0 left out.",
            format: "integer"),
        DisplayedField(
            key: "attention_by_distance", label: "Attention per token of distance",
            description:
                "Share of all attention, over all walked sequences, at distance |q-k|, divided by the bin's width in tokens.",
            format: "integer"),
    ]

    static let tables = [
        DisplayedField(
            key: "top_query_tokens", label: "Top query tokens",
            description: "By attention mass given, over the stored pairs."),
        DisplayedField(
            key: "top_key_tokens", label: "Top key tokens",
            description: "By attention mass received, over the stored pairs."),
        DisplayedField(
            key: "top_query_tokens_mean", label: "Query tokens by mean attention",
            description: "Mean attention given per occurrence: what makes this head attend."),
        DisplayedField(
            key: "top_key_tokens_mean", label: "Key tokens by mean attention",
            description: "Mean attention received per occurrence: what this head looks for."),
    ]

    static func statistics(_ metrics: MetricsFile) -> [DisplayedField] {
        [
            DisplayedField(key: "n_sequences", label: "Walked sequences", format: "integer"),
            DisplayedField(key: "n_tokens", label: "Walked tokens", format: "integer"),
            DisplayedField(key: "n_samples", label: "Sequences kept", format: "integer"),
            DisplayedField(key: "mean_max_activation", label: "Mean of maximum activations"),
            DisplayedField(key: "median_max_activation", label: "Median of maximum activations"),
            DisplayedField(
                key: "active_share", label: "Sequences with an activation of 0.5 or more",
                format: "percent"),
        ]
            + metrics.metrics.map {
                DisplayedField(
                    key: "\($0.name)_se", label: "Standard error of \($0.name)")
            }
    }

    func payload(_ head: Int) throws -> HeadPayload {
        let sample = try work.sample.sample(ofHead: head)
        let mass = massByDistance[head]
        let total = max(mass.reduce(0, +), 1e-300)
        let edges = DistanceBins.edges(mass.count).map(Double.init)
        // Bins widen with the distance: mass a bin would seem to rise where attention falls.
        let density = mass.indices.map { mass[$0] / total / (edges[$0 + 1] - edges[$0]) }
        return HeadPayload(
            sequences: sample.sequences.map { ($0, work.scan.displayTokens(of: $0.sequence)) },
            plots: [
                ("histogram", sample.activations),
                ("qk_distance_histogram", sample.distances),
                ("attention_by_distance", Histogram(edges: edges, values: density)),
            ],
            tables: SampleFile.tableNames.map { ($0, sample.tables[$0] ?? []) },
            statistics: statistics(head, samples: sample.sequences.count),
            composition: composition?.partners(of: work.scan.header.heads[head]),
            writes: writes(head), directions: directions(head), similar: similar(head),
            alike: composition?.alike(work.scan.header.heads[head]) ?? [])
    }

    private func similar(_ head: Int) -> [SimilarHead] {
        guard let map = work.map else { return [] }
        let rows = head * map.neighborCount..<(head + 1) * map.neighborCount
        return rows.map { row in
            let other = map.heads[Int(map.neighbors[row])]
            let error = map.standardErrors[row]
            return SimilarHead(
                layer: other.layer, head: other.head, likeness: map.likeness[row],
                standardError: error.isFinite ? error : nil)
        }
    }

    private func writes(_ head: Int) -> [WritesPayload] {
        (writesOfHead[head] ?? []).map { row in
            WritesPayload(
                token: row.key.map(display), count: row.count,
                meanAttention: row.meanAttention, promotes: tokens(row.promotes),
                suppresses: tokens(row.suppresses))
        }
    }

    private func directions(_ head: Int) -> [DirectionPayload] {
        func ends(_ ends: WritesFile.Direction.Ends) -> DirectionPayload.Ends {
            DirectionPayload.Ends(high: tokens(ends.high), low: tokens(ends.low))
        }
        return (directionsOfHead[head] ?? []).map {
            DirectionPayload(
                strength: $0.strength, share: $0.share, reads: ends($0.reads),
                writes: ends($0.writes))
        }
    }

    private func tokens(_ entries: [WritesFile.Entry]) -> [TokenWeight] {
        entries.map { TokenWeight(token: display($0.token), weight: Double($0.weight)) }
    }

    private func display(_ token: Int32) -> String {
        work.writes?.display[token] ?? "<id \(token)>"
    }

    private func statistics(_ head: Int, samples: Int) -> [(key: String, value: Double?)] {
        let n = work.scan.nSequences
        let width = work.scan.header.heads.count
        let maxima = (0..<n).map { Double(maxActivations[$0 * width + head]) }.sorted()
        let median = (maxima[(n - 1) / 2] + maxima[n / 2]) / 2
        let active = maxima.count { $0 >= 0.5 }
        return [
            ("n_sequences", Double(n)),
            ("n_tokens", work.scan.header.provenance.int("n_tokens").map(Double.init)),
            ("n_samples", Double(samples)),
            ("mean_max_activation", maxima.reduce(0, +) / Double(n)),
            ("median_max_activation", median), ("active_share", Double(active) / Double(n)),
        ] + work.metrics.metrics.map { ("\($0.name)_se", $0.standardErrors[head]) }
    }
}
