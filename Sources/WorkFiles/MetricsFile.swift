// SPDX-License-Identifier: Apache-2.0
// metrics.h5: a value and a standard error for each metric and head.

import HDF5
import Transformer

/// The contents of metrics.h5.
public struct MetricsFile: Sendable, Equatable {
    /// One metric over all heads.
    public struct Column: Sendable, Equatable {
        /// The metric's name.
        public var name: String
        /// One or two sentences.
        public var about: String
        /// One value a head.
        public var values: [Double]
        /// One standard error a head; NaN where there is none.
        public var standardErrors: [Double]

        /// A metric over all heads.
        public init(name: String, about: String, values: [Double], standardErrors: [Double]) {
            self.name = name
            self.about = about
            self.values = values
            self.standardErrors = standardErrors
        }
    }

    /// The scan's facts and this stage's own.
    public var provenance: Provenance
    /// The studied heads.
    public var heads: [HeadAddress]
    /// The metrics in display order.
    public var metrics: [Column]

    /// The contents of metrics.h5.
    public init(provenance: Provenance, heads: [HeadAddress], metrics: [Column]) {
        self.provenance = provenance
        self.heads = heads
        self.metrics = metrics
    }

    /// Writes the file, or of the same layout probe.h5.
    public func write(to path: String, schema: WorkFileSchema = .metrics) throws {
        let output = try WorkFileWriter(path, schema: schema, provenance: provenance)
        let file = output.file
        try reading { () throws(H5Error) in
            try file.write(heads: heads)
            try file.write(
                metrics.map(\.name), to: "metric_names", axes: ["metric"],
                about: "The metrics, in display order.")
            for metric in metrics {
                let group = "metrics/\(metric.name)"
                try file.write(
                    metric.values, shape: [heads.count], to: "\(group)/value",
                    axes: ["head index"], about: metric.about)
                try file.write(
                    metric.standardErrors, shape: [heads.count], to: "\(group)/standard_error",
                    axes: ["head index"],
                    about:
                        "Delete-one jackknife error by sequence; NaN with fewer than two sequences."
                )
            }
        }
        try output.finish()
    }

    /// Reads the file, or of the same layout probe.h5.
    public init(_ path: String, schema: WorkFileSchema = .metrics) throws {
        let file = try openWorkFile(path, schema: schema)
        self = try reading { () throws(H5Error) in
            let heads = try file.readHeads()
            var metrics: [Column] = []
            for name in try file.readStrings("metric_names") {
                let group = "metrics/\(name)"
                metrics.append(
                    Column(
                        name: name,
                        about: try file.stringAttribute("about", of: "\(group)/value"),
                        values: try file.finite("\(group)/value", [heads.count]),
                        standardErrors: try file.errors("\(group)/standard_error", [heads.count])))
            }
            return MetricsFile(
                provenance: try Provenance(from: file), heads: heads, metrics: metrics)
        }
    }
}
