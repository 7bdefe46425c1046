// SPDX-License-Identifier: Apache-2.0
// How many cores a stage uses.

import ArgumentParser
import Foundation

/// The option for the number of workers. Results do not depend on it.
public struct WorkerArguments: ParsableArguments {
    @Option(help: "How many things are computed at the same time; 0 is one a core.")
    public var workers = 0

    public init() {}

    public func validate() throws {
        guard (0...1024).contains(workers) else {
            throw ValidationError("--workers must be from 0 to 1024.")
        }
    }

    /// The number of workers.
    public var count: Int { workers > 0 ? workers : ProcessInfo.processInfo.activeProcessorCount }
}
