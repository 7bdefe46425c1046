// SPDX-License-Identifier: Apache-2.0
// What is wrong with a corpus as a whole; a single broken line is counted in the report instead.

import Foundation

/// A corpus that cannot be read, in one sentence that names the file and what to do.
public struct CorpusError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The sentence.
    public let description: String

    /// An error that reads `description`.
    public init(_ description: String) { self.description = description }

    /// The system call that was to `action` the file failed; reads `errno`.
    static func system(_ action: String, _ name: String) -> CorpusError {
        CorpusError("Cannot \(action) \(name): \(String(cString: strerror(errno))).")
    }
}
