// SPDX-License-Identifier: Apache-2.0
// An output must not be one of the inputs.

import Foundation
import UserErrors

/// Refuses an output that is the same file as one of the inputs, under whatever name.
///
/// - Parameter folders: inputs that may be folders, such as a model: the files in them are inputs too.
public func requireOutput(
    _ output: String, apartFrom inputs: [String], orIn folders: [String] = []
) throws {
    var target = stat()
    guard stat(output, &target) == 0 else { return }
    let within = folders.flatMap { folder in
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
        return [folder] + (names ?? []).map { "\(folder)/\($0)" }
    }
    for input in inputs + within {
        var source = stat()
        if stat(input, &source) == 0, source.st_dev == target.st_dev, source.st_ino == target.st_ino
        {
            throw UserError(
                "--output \(output): is one of the stage's inputs; give another name.")
        }
    }
}
