// SPDX-License-Identifier: Apache-2.0
// Why a work file cannot be used, as one sentence.

import HDF5

/// A work file that is missing, damaged, or does not belong here.
public struct WorkFileError: Error, CustomStringConvertible, Sendable, Equatable {
    /// One sentence: which file, what is wrong, what to do.
    public let description: String

    /// An error with this sentence.
    public init(_ description: String) { self.description = description }

    init(_ error: H5Error) { description = error.description }
}

/// Runs `body` with HDF5's errors turned into ours.
func reading<Result>(_ body: () throws(H5Error) -> Result) throws(WorkFileError) -> Result {
    do { return try body() } catch { throw WorkFileError(error) }
}
