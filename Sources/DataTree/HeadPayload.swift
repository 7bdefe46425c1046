// SPDX-License-Identifier: Apache-2.0
// heads/L{l}H{h}.json.

import JSON
import Sampling
import WorkFiles

/// Everything about one head.
public struct HeadPayload: Sendable {
    /// Each with its tokens for people, one a position.
    public var sequences: [(sampled: SampledSequence, tokens: [String])]
    /// `histogram` and the fields named in config.json's custom_plots.
    public var plots: [(key: String, plot: Histogram)]
    /// The fields named in config.json's custom_tables.
    public var tables: [(key: String, rows: [TokenWeight])]
    /// The scalars named in config.json's statistics_display; nil where there is no number.
    public var statistics: [(key: String, value: Double?)]
    /// With which heads it works; nil where that is not known.
    public var composition: CompositionPayload?
    /// What it writes; empty where that is not known.
    public var writes: [WritesPayload]
    /// The strongest directions that it carries; empty where they are not known.
    public var directions: [DirectionPayload]
    /// The heads whose patterns are most like its own; empty where that is not known.
    public var similar: [SimilarHead]
    /// The heads whose weights are most like its own; empty where they are not known.
    public var alike: [AlikeHead]

    /// Everything about one head.
    public init(
        sequences: [(sampled: SampledSequence, tokens: [String])],
        plots: [(key: String, plot: Histogram)],
        tables: [(key: String, rows: [TokenWeight])],
        statistics: [(key: String, value: Double?)], composition: CompositionPayload? = nil,
        writes: [WritesPayload] = [], directions: [DirectionPayload] = [],
        similar: [SimilarHead] = [], alike: [AlikeHead] = []
    ) {
        self.sequences = sequences
        self.plots = plots
        self.tables = tables
        self.statistics = statistics
        self.composition = composition
        self.writes = writes
        self.directions = directions
        self.similar = similar
        self.alike = alike
    }

    /// The file's bytes.
    public func json() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.key("sequences")
            json.array { json in
                for (sampled, tokens) in sequences {
                    json.sequence(
                        .corpus(sampled.sequence), interval: sampled.interval, tokens: tokens,
                        pairs: sampled.pairs, maxActivation: sampled.maxActivation)
                }
            }
            for (key, plot) in plots {
                json.key(key)
                json.object { json in
                    json.key("bin_edges")
                    json.numbers(plot.edges)
                    json.key("bin_values")
                    json.numbers(plot.values)
                }
            }
            for (key, rows) in tables {
                json.key(key)
                json.weightedTokens(rows)
            }
            json.key("statistics")
            json.object { json in
                for (key, value) in statistics {
                    json.key(key)
                    if let value, value.isFinite { json.number(value) } else { json.null() }
                }
            }
            if let composition {
                json.key("composition")
                composition.write(to: &json)
            }
            if !writes.isEmpty {
                json.key("writes")
                json.array { json in for row in writes { row.write(to: &json) } }
            }
            if !directions.isEmpty {
                json.key("ov_directions")
                json.array { json in for direction in directions { direction.write(to: &json) } }
            }
            if !similar.isEmpty {
                json.key("similar")
                json.array { json in for head in similar { head.write(to: &json) } }
            }
            if !alike.isEmpty {
                json.key("similar_weights")
                json.array { json in for head in alike { head.write(to: &json) } }
            }
        }
        return json.bytes
    }
}
