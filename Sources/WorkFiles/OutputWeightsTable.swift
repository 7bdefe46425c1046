// SPDX-License-Identifier: Apache-2.0
// W_O of the studied heads in scan.h5, as half numbers, which have three binary digits more than bfloat16.

import AttentionStats
import HDF5
import Transformer

/// W_O of each studied head: rows of `dModel` half numbers, each with its power of two.
struct OutputWeightsTable {
    private static let name = "output_weights"

    private let values: H5Dataset
    private let exponents: H5Dataset

    /// Writes the matrices of all heads.
    ///
    /// - Parameter weights: of a head by index, [dHead, dModel].
    static func write(
        _ header: ScanHeader, to file: H5File, weights: (HeadAddress) throws -> HalfVectors
    ) throws {
        let values = try file.createAppendable(
            Float16.self, rowShape: [header.model.dHead, header.model.dModel], at: name,
            axes: ["head index", "head dimension", "residual dimension"],
            about:
                "W_O of each studied head: z W_O is what it adds to the residual stream. Times 2 to the power of \(name)_exponent."
        )
        let exponents = try file.createAppendable(
            Int8.self, rowShape: [header.model.dHead], at: "\(name)_exponent",
            axes: ["head index", "head dimension"],
            about: "0, but for rows that half numbers do not hold as they are.")
        for head in header.heads {
            let rows = try weights(head)
            try values.append(rows.values)
            try exponents.append(rows.exponents)
        }
    }

    /// Opens what `write` wrote.
    init(_ header: ScanHeader, from file: H5File) throws(H5Error) {
        let shape = [header.heads.count, header.model.dHead, header.model.dModel]
        values = try file.dataset(Self.name, shape: shape)
        exponents = try file.dataset("\(Self.name)_exponent", shape: [shape[0], shape[1]])
    }

    /// W_O of a head by index: `dHead` rows of `dModel`.
    func rows(ofHead head: Int) throws(H5Error) -> HalfVectors {
        HalfVectors(
            values: try values.read(rows: head..<head + 1),
            exponents: try exponents.read(rows: head..<head + 1))
    }
}
