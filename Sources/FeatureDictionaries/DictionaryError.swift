// SPDX-License-Identifier: Apache-2.0
// What can be wrong with a dictionary of features.

/// Why a dictionary cannot be used or trained, as one sentence.
public struct DictionaryError: Error, CustomStringConvertible, Sendable, Equatable {
    public let description: String

    /// An error with this sentence.
    public init(_ description: String) { self.description = description }
}
