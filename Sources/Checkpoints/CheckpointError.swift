// SPDX-License-Identifier: Apache-2.0
// Why a checkpoint cannot be read.

import Foundation

/// A checkpoint that cannot be read as asked. Its description is one sentence with the file, what is
/// wrong and what to do.
public struct CheckpointError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The file or folder that is at fault.
    public let file: URL
    /// What is wrong with it.
    public let problem: String
    /// What the reader of the message can do about it.
    public let advice: String

    /// The sentence.
    public var description: String {
        "\(file.path(percentEncoded: false)): \(problem); \(advice)."
    }

    init(_ file: URL, _ problem: String, advice: String) {
        self.file = file
        self.problem = problem
        self.advice = advice
    }

    /// The file is not what its format says it must be: nothing helps but another copy of it.
    static func malformed(_ file: URL, _ problem: String) -> CheckpointError {
        CheckpointError(file, problem, advice: "download or convert the checkpoint again")
    }
}

/// A name out of a file, for a message: quoted, control characters escaped, not longer than a line.
func quoted(_ name: String) -> String {
    let longest = 120
    return name.count <= longest
        ? name.debugDescription : String(name.prefix(longest)).debugDescription + "..."
}

/// A shape for a message, such as `[768, 2304]`.
func described(_ shape: [Int]) -> String {
    let most = 8
    let sizes = shape.prefix(most).map(String.init).joined(separator: ", ")
    return shape.count <= most ? "[\(sizes)]" : "[\(sizes), ...]"
}
