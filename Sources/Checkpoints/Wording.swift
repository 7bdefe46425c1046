// SPDX-License-Identifier: Apache-2.0
// How this module's messages speak of what they found in a file.

import Foundation
import UserErrors

extension UserError {
    /// The file is not what its format says it must be: nothing helps but another copy of it.
    static func malformed(_ file: URL, _ problem: String) -> UserError {
        UserError(file, problem, advice: "download or convert the checkpoint again")
    }
}

/// A name out of a file, in quotation marks and cut to a length that fits a sentence.
func quoted(_ name: String) -> String {
    let longest = 120
    return name.count <= longest
        ? name.debugDescription : String(name.prefix(longest)).debugDescription + "..."
}

/// A shape out of a file, cut to a length that fits a sentence.
func described(_ shape: [Int]) -> String {
    let most = 8
    let sizes = shape.prefix(most).map(String.init).joined(separator: ", ")
    return shape.count <= most ? "[\(sizes)]" : "[\(sizes), ...]"
}
