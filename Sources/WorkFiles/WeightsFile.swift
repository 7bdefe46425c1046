// SPDX-License-Identifier: Apache-2.0
// weights.h5: what a model's weights say of each of its heads, without a corpus.

import HDF5
import Transformer

/// The contents of weights.h5.
public struct WeightsFile: Sendable, Equatable {
    /// One number over all heads.
    public struct Column: Sendable, Equatable {
        public var name: String
        /// One or two sentences.
        public var about: String
        /// One value a head.
        public var values: [Double]

        /// A number over all heads.
        public init(name: String, about: String, values: [Double]) {
            self.name = name
            self.about = about
            self.values = values
        }
    }

    /// The model's facts.
    public var provenance: Provenance
    /// The width of the residual stream.
    public var dModel: Int
    /// All heads of the model that can be taken apart, layer by layer.
    public var heads: [HeadAddress]
    /// In display order.
    public var metrics: [Column]
    /// By what is read (q, k, v): [writer, reader], 0 where the writer does not stand in an earlier layer.
    public var composition: [String: [Float]]

    /// What is read, in the order of the file.
    public static let sides = ["q", "k", "v"]

    /// The contents of weights.h5.
    public init(
        provenance: Provenance, dModel: Int, heads: [HeadAddress], metrics: [Column],
        composition: [String: [Float]]
    ) {
        self.provenance = provenance
        self.dModel = dModel
        self.heads = heads
        self.metrics = metrics
        self.composition = composition
    }

    /// Writes the file.
    public func write(to path: String) throws {
        let output = try WorkFileWriter(path, schema: .weights, provenance: provenance)
        let file = output.file
        try reading { () throws(H5Error) in
            try file.write(heads: heads)
            try file.setAttribute("d_model", of: "", to: dModel)
            try file.write(
                metrics.map(\.name), to: "metric_names", axes: ["metric"],
                about: "The numbers under metrics, in display order.")
            try file.createGroup("metrics")
            for metric in metrics {
                try file.write(
                    metric.values, shape: [heads.count], to: "metrics/\(metric.name)",
                    axes: ["head index"], about: metric.about)
            }
            for side in Self.sides {
                try file.write(
                    composition[side] ?? [], shape: [heads.count, heads.count],
                    to: "composition/\(side)", axes: ["writing head", "reading head"],
                    about:
                        "How much of what a head writes is read by \(side) of a head in a later layer: |W2 W1| / (|W2| |W1|), Frobenius norms."
                )
            }
        }
        try output.finish()
    }

    /// Reads the file.
    public init(_ path: String) throws {
        let file = try openWorkFile(path, schema: .weights)
        self = try reading { () throws(H5Error) in
            let heads = try file.readHeads()
            let n = heads.count
            let dModel = try file.attribute("d_model", of: "", as: Int.self)
            guard (2...1 << 24).contains(dModel) else {
                throw file.damaged("d_model", "is no width of a residual stream")
            }
            var metrics: [Column] = []
            for name in try file.readStrings("metric_names") {
                let values: [Double] = try file.finite("metrics/\(name)", [n])
                metrics.append(
                    Column(
                        name: name,
                        about: try file.stringAttribute("about", of: "metrics/\(name)"),
                        values: values))
            }
            var composition: [String: [Float]] = [:]
            for side in Self.sides {
                composition[side] = try file.read(
                    "composition/\(side)", shape: [n, n], "holds what is no ratio of norms",
                    where: { $0.isFinite && $0 >= 0 })
            }
            return WeightsFile(
                provenance: try Provenance(from: file), dModel: dModel, heads: heads,
                metrics: metrics, composition: composition)
        }
    }
}
