// SPDX-License-Identifier: Apache-2.0
// What is told to the user when something outside the program is not as it must be.

import Foundation

/// One sentence to the user: where, what is wrong, and what to do about it.
///
/// All modules throw this one, as no caller does anything with it but show it. What a caller acts on by its
/// kind has a type of its own (an HTTP status, an HDF5 error).
public struct UserError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The sentence.
    public let description: String

    /// An error that reads `description`.
    public init(_ description: String) { self.description = description }

    /// An error about a file or folder: "FILE: PROBLEM; ADVICE."
    public init(_ file: URL, _ problem: String, advice: String) {
        self.init("\(file.path(percentEncoded: false)): \(problem); \(advice).")
    }

    /// The system call that was to `action` the file failed; reads `errno`.
    public static func system(_ action: String, _ name: String) -> UserError {
        UserError("Cannot \(action) \(name): \(String(cString: strerror(errno))).")
    }
}
