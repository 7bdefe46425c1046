// SPDX-License-Identifier: Apache-2.0
// Why a model cannot be used, as one sentence.

/// A model that cannot be read or run.
public struct ModelError: Error, CustomStringConvertible, Sendable, Equatable {
    /// One sentence: what is wrong with which file or key, and what to do.
    public let description: String

    /// An error with this sentence.
    public init(_ description: String) { self.description = description }
}
