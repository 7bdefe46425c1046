// SPDX-License-Identifier: Apache-2.0
// HDF5's errors as what is told to the user.

import HDF5
import UserErrors

extension UserError {
    init(_ error: H5Error) {
        let text = error.description
        self.init(text.hasSuffix(".") || text.hasSuffix("?") ? text : "\(text).")
    }
}

/// Runs `body` with HDF5's errors turned into ours.
func reading<Result>(_ body: () throws(H5Error) -> Result) throws -> Result {
    do { return try body() } catch { throw UserError(error) }
}
