// SPDX-License-Identifier: Apache-2.0
// Columns that say where something is, which repeat and ascend, and so pack well.

import HDF5

extension H5File {
    /// Creates a column of rows, positions or ids that is packed, in chunks that are large enough to pack well and cost
    /// little to unpack for one list.
    func createPlaces<Scalar: H5Scalar>(
        _ type: Scalar.Type, at object: String, axis: String, about: String
    ) throws(H5Error) -> H5Dataset {
        try createAppendable(
            type, at: object, axes: [axis], about: about, chunkBytes: 65_536, isPacked: true)
    }
}
