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
    /// The projection kernel of what is written and what is read, likewise.
    public var kernel: [String: [Float]]
    /// By circuit (qk, ov): the cosine of two heads' maps, [head, head].
    public var likeness: [String: [Float]]
    /// By q, k, v and o: how many dimensions a head reads or writes.
    public var dimensions: [String: [Int]]

    /// What is read, in the order of the file.
    public static let sides = ["q", "k", "v"]
    /// A head's circuits, in the order of the file.
    public static let circuits = ["qk", "ov"]

    /// The contents of weights.h5.
    public init(
        provenance: Provenance, dModel: Int, heads: [HeadAddress], metrics: [Column],
        composition: [String: [Float]], kernel: [String: [Float]], likeness: [String: [Float]],
        dimensions: [String: [Int]]
    ) {
        self.provenance = provenance
        self.dModel = dModel
        self.heads = heads
        self.metrics = metrics
        self.composition = composition
        self.kernel = kernel
        self.likeness = likeness
        self.dimensions = dimensions
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
                try file.write(
                    kernel[side] ?? [], shape: [heads.count, heads.count],
                    to: "projection_kernel/\(side)", axes: ["writing head", "reading head"],
                    about:
                        "Sum of the squared cosines of the principal angles between what a head writes and what \(side) of a head in a later layer reads."
                )
            }
            for circuit in Self.circuits {
                try file.write(
                    likeness[circuit] ?? [], shape: [heads.count, heads.count],
                    to: "likeness/\(circuit)", axes: ["head", "head"],
                    about:
                        "Cosine of the two heads' \(circuit == "qk" ? "W_Q^T W_K" : "W_V^T W_O"), as vectors of all their entries."
                )
            }
            for side in Self.sides + ["o"] {
                try file.write(
                    (dimensions[side] ?? []).map(Int32.init), shape: [heads.count],
                    to: "dimensions/\(side)", axes: ["head index"],
                    about:
                        "Dimensions of the residual stream that \(side == "o" ? "the head writes" : "\(side) of the head reads")."
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
            var kernel: [String: [Float]] = [:]
            for side in Self.sides {
                composition[side] = try file.read(
                    "composition/\(side)", shape: [n, n], "holds what is no ratio of norms",
                    where: { $0.isFinite && $0 >= 0 })
                kernel[side] = try file.read(
                    "projection_kernel/\(side)", shape: [n, n], "holds what is no sum of squares",
                    where: { $0.isFinite && $0 >= 0 })
            }
            var likeness: [String: [Float]] = [:]
            for circuit in Self.circuits {
                likeness[circuit] = try file.read(
                    "likeness/\(circuit)", shape: [n, n], "holds what is no cosine",
                    where: { abs($0) <= 1.001 })
            }
            var dimensions: [String: [Int]] = [:]
            for side in Self.sides + ["o"] {
                let read: [Int32] = try file.read(
                    "dimensions/\(side)", shape: [n], "holds what is no number of dimensions",
                    where: { $0 >= 0 && $0 <= dModel })
                dimensions[side] = read.map(Int.init)
            }
            return WeightsFile(
                provenance: try Provenance(from: file), dModel: dModel, heads: heads,
                metrics: metrics, composition: composition, kernel: kernel, likeness: likeness,
                dimensions: dimensions)
        }
    }
}
