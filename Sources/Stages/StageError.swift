// SPDX-License-Identifier: Apache-2.0
// What a stage tells its user when it cannot go on.

/// One sentence: which file or parameter, what is wrong, what to do.
public struct StageError: Error, CustomStringConvertible, Sendable, Equatable {
    public let description: String

    /// An error with this sentence.
    public init(_ description: String) { self.description = description }
}
