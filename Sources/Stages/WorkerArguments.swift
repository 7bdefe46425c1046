// SPDX-License-Identifier: Apache-2.0
// How many cores a stage uses.

import ArgumentParser
import Foundation

/// The option for the number of workers. Results do not depend on it.
public struct WorkerArguments: ParsableArguments {
    @Option(
        help: "How many things at once; 0: HEADVIS_WORKERS of the environment, or one a core."
    )
    public var workers = 0

    public init() {}

    public func validate() throws {
        guard (0...1024).contains(workers) else {
            throw ValidationError("--workers must be from 0 to 1024.")
        }
    }

    /// The number of workers: what was asked for, what a launcher was given (a batch system's share of a
    /// machine is not always seen from within), or a worker for each core.
    public var count: Int {
        if workers > 0 { return workers }
        let given = ProcessInfo.processInfo.environment["HEADVIS_WORKERS"].flatMap { Int($0) } ?? 0
        return (1...1024).contains(given) ? given : ProcessInfo.processInfo.activeProcessorCount
    }
}
