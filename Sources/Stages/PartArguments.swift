// SPDX-License-Identifier: Apache-2.0
// Which parts a merge takes.

import ArgumentParser
import WorkFiles

/// The parts of a run, named one by one, or by their folder and number: a command line has no room for thousands.
public struct PartArguments: ParsableArguments {
    @Argument(help: "The files of all shards.")
    var parts: [String] = []

    @Option(help: "A folder that holds the parts as 1-of-N.h5 to N-of-N.h5.")
    var shards: String?

    @Option(help: "With --shards, how many parts there are.")
    var of: Int?

    public init() {}

    public func validate() throws {
        guard let shards, let of else {
            guard shards == nil, of == nil, !parts.isEmpty else {
                throw ValidationError(
                    "name the parts, or their folder and number with --shards and --of.")
            }
            return
        }
        guard parts.isEmpty, !shards.isEmpty, (1...Shard.limit).contains(of) else {
            throw ValidationError(
                "--shards takes a folder and no single parts, and --of a number from 1 to \(Shard.limit)."
            )
        }
    }

    /// The paths of all parts.
    public var paths: [String] {
        guard let shards, let of else { return parts }
        return (1...of).map { "\(shards)/\($0)-of-\(of).h5" }
    }
}
