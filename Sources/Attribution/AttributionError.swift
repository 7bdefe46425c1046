// SPDX-License-Identifier: Apache-2.0
// What can keep an edge from being taken apart.

/// Why an edge cannot be taken apart, as one sentence.
public struct AttributionError: Error, CustomStringConvertible, Sendable, Equatable {
    public let description: String

    /// An error with this sentence.
    public init(_ description: String) { self.description = description }
}
