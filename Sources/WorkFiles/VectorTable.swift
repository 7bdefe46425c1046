// SPDX-License-Identifier: Apache-2.0
// Vectors as half numbers in scan.h5: the numbers, and each vector's power of two.

import AttentionStats
import HDF5

/// Appends vectors.
final class VectorTableWriter {
    private let values: H5Dataset
    private let exponents: H5Dataset
    /// Vectors so far.
    private(set) var count = 0

    /// - Parameters:
    ///   - axis: what one vector is of.
    ///   - about: what the vectors are.
    init(_ file: H5File, _ name: String, width: Int, axis: String, _ about: String) throws(H5Error)
    {
        values = try file.createAppendable(
            Float16.self, rowShape: [width], at: name, axes: [axis, "head dimension"],
            about: "\(about) Times 2 to the power of \(name)_exponent.")
        exponents = try file.createAppendable(
            Int8.self, at: "\(name)_exponent", axes: [axis],
            about: "0, but for vectors that half numbers do not hold as they are.")
    }

    func append(_ lists: [HalfVectors]) throws(H5Error) {
        try values.append(lists.flatMap(\.values))
        try exponents.append(lists.flatMap(\.exponents))
        count += lists.reduce(0) { $0 + $1.count }
    }
}

/// Reads vectors.
final class VectorTable {
    /// Number of vectors.
    let count: Int
    private let file: H5File
    private let width: Int
    private let values: H5Dataset
    private let exponents: H5Dataset

    /// Vectors that stand further apart are read one by one.
    private static let gap = 64

    init(_ file: H5File, _ name: String, width: Int) throws(H5Error) {
        self.file = file
        self.width = width
        values = try file.dataset(name, shape: [-1, width])
        count = values.shape[0]
        exponents = try file.dataset("\(name)_exponent", shape: [count])
    }

    /// Neighbouring vectors as they are stored.
    func read(_ rows: Range<Int>) throws(H5Error) -> HalfVectors {
        HalfVectors(values: try values.read(rows: rows), exponents: try exponents.read(rows: rows))
    }

    /// Vectors in the order of `rows`, [rows.count, width].
    func gather(_ rows: [UInt32]) throws(H5Error) -> [Float] {
        guard rows.allSatisfy({ $0 < count }) else {
            throw file.damaged("edges", "an edge has a vector that is not in \(values.object)")
        }
        var vectors = [Float](repeating: 0, count: rows.count * width)
        let order = rows.indices.sorted { rows[$0] < rows[$1] }
        var first = 0
        while first < order.count {
            var end = first + 1
            while end < order.count, rows[order[end]] - rows[order[end - 1]] <= Self.gap {
                end += 1
            }
            let start = Int(rows[order[first]])
            let run = try read(start..<Int(rows[order[end - 1]]) + 1)
            vectors.withUnsafeMutableBufferPointer { vectors in
                guard let base = vectors.baseAddress else { return }
                for place in order[first..<end] {
                    run.widen(Int(rows[place]) - start, width: width, into: base + place * width)
                }
            }
            first = end
        }
        return vectors
    }
}
