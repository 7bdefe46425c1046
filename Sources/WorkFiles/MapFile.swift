// SPDX-License-Identifier: Apache-2.0
// map.h5: where the studied heads lie on maps of all of them, and which are alike.

import HDF5
import Transformer

/// The contents of map.h5.
public struct MapFile: Sendable, Equatable {
    /// Coordinates of all heads.
    public struct Layout: Sendable, Equatable {
        /// As in the tree: likeness, composition.
        public var name: String
        /// One or two sentences.
        public var about: String
        /// [head, 3].
        public var coordinates: [Double]
        /// [3]: how much each coordinate tells, 0 to 1.
        public var weights: [Double]

        /// Coordinates of all heads.
        public init(name: String, about: String, coordinates: [Double], weights: [Double]) {
            self.name = name
            self.about = about
            self.coordinates = coordinates
            self.weights = weights
        }
    }

    /// The scan's facts.
    public var provenance: Provenance
    /// The studied heads.
    public var heads: [HeadAddress]
    public var layouts: [Layout]
    /// How many heads are listed as like each.
    public var neighborCount: Int
    /// [head, neighbor]: indices of heads, the most alike first.
    public var neighbors: [Int32]
    /// [head, neighbor]: 0 to 1.
    public var likeness: [Double]
    /// [head, neighbor]; NaN where there is none.
    public var standardErrors: [Double]

    /// The contents of map.h5.
    public init(
        provenance: Provenance, heads: [HeadAddress], layouts: [Layout], neighborCount: Int,
        neighbors: [Int32], likeness: [Double], standardErrors: [Double]
    ) {
        self.provenance = provenance
        self.heads = heads
        self.layouts = layouts
        self.neighborCount = neighborCount
        self.neighbors = neighbors
        self.likeness = likeness
        self.standardErrors = standardErrors
    }

    /// Writes the file.
    public func write(to path: String) throws {
        let output = try WorkFileWriter(path, schema: .map, provenance: provenance)
        let file = output.file
        try reading { () throws(H5Error) in
            try file.write(heads: heads)
            try file.write(
                layouts.map(\.name), to: "map_names", axes: ["map"],
                about: "The maps under maps, in display order.")
            for layout in layouts {
                try file.write(
                    layout.coordinates, shape: [heads.count, 3],
                    to: "maps/\(layout.name)/coordinates", axes: ["head index", "coordinate"],
                    about: layout.about)
                try file.write(
                    layout.weights, shape: [3], to: "maps/\(layout.name)/weights",
                    axes: ["coordinate"], about: "How much each coordinate tells, 0 to 1.")
            }
            let shape = [heads.count, neighborCount]
            let axes = ["head index", "neighbor"]
            try file.write(
                neighbors, shape: shape, to: "neighbors/head_index", axes: axes,
                about: "The heads whose patterns are most like each head's, by head index.")
            try file.write(
                likeness, shape: shape, to: "neighbors/likeness", axes: axes,
                about:
                    "Cosine of their square-root patterns over watched queries, position 0 left out; 1: they attend alike."
            )
            try file.write(
                standardErrors, shape: shape, to: "neighbors/standard_error", axes: axes,
                about: "Standard error by sequence; NaN with fewer than two watched sequences.")
        }
        try output.finish()
    }

    /// Reads the file.
    public init(_ path: String) throws {
        let file = try openWorkFile(path, schema: .map)
        self = try reading { () throws(H5Error) in
            let heads = try file.readHeads()
            var layouts: [Layout] = []
            for name in try file.readStrings("map_names") {
                let group = "maps/\(name)"
                layouts.append(
                    Layout(
                        name: name,
                        about: try file.stringAttribute("about", of: "\(group)/coordinates"),
                        coordinates: try file.finite("\(group)/coordinates", [heads.count, 3]),
                        weights: try file.read(
                            "\(group)/weights", shape: [3], "holds what is no share",
                            where: (0...1.001).contains)))
            }
            let neighbors: [Int32] = try file.read(
                "neighbors/head_index", shape: [heads.count, -1], "names a head that is not there",
                where: { heads.indices.contains(Int($0)) })
            let count = heads.isEmpty ? 0 : neighbors.count / heads.count
            let likeness: [Double] = try file.read(
                "neighbors/likeness", shape: [heads.count, count], "holds what is no cosine",
                where: (0...1).contains)
            return MapFile(
                provenance: try Provenance(from: file), heads: heads, layouts: layouts,
                neighborCount: count, neighbors: neighbors, likeness: likeness,
                standardErrors: try file.errors(
                    "neighbors/standard_error", [heads.count, count]))
        }
    }
}
