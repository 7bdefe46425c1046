// SPDX-License-Identifier: Apache-2.0
// What goes wrong when a tokenizer is read.

/// Why a tokenizer cannot be used, in one sentence that names the file or the key.
public struct TokenizerError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The sentence.
    public let description: String

    init(_ description: String) { self.description = description }
}
