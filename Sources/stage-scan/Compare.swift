// SPDX-License-Identifier: Apache-2.0
// stage-scan compare: where the intermediates of two dumps begin to differ.

import ArgumentParser
import Foundation
import HDF5
import Stages
import UserErrors

struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Names the first intermediate in which two dumps differ.",
        discussion: """
            Walks the layers in the order of computation and prints the largest difference of each \
            intermediate that both files hold. Exits with 1 if any is above its tolerance. The files \
            are those of `stage-scan dump`, or of any reference with the same datasets.
            """)

    @Argument(help: "A dump.")
    var first: String

    @Argument(help: "Another dump of the same tokens.")
    var second: String

    @Option(help: "Multiplies all tolerances, such as 100 for weights in half precision.")
    var looseness = 1.0

    /// In the order of computation, with the largest difference that rounding alone explains.
    private static let intermediates: [(name: String, tolerance: Double)] = [
        ("resid_pre", 2e-4), ("attn_input", 1e-4), ("q", 1e-4), ("k", 1e-4), ("v", 1e-4),
        ("scores", 2e-4), ("attention", 1e-5), ("z", 1e-4),
    ]

    func validate() throws {
        guard looseness.isFinite, looseness > 0 else {
            throw ValidationError("--looseness must be a positive number.")
        }
    }

    func run() throws {
        let files = (try H5File.open(first), try H5File.open(second))
        let ids: ([Int32], [Int32]) = (
            try files.0.read("input_ids", shape: [-1]), try files.1.read("input_ids", shape: [-1])
        )
        guard ids.0 == ids.1 else {
            throw UserError("\(first), \(second): the input_ids differ; dump the same tokens.")
        }
        let checks = try Self.checks(files.0, files.1)
        guard !checks.isEmpty else {
            throw UserError("\(first), \(second): hold no layer in common; dump the same layers.")
        }
        print("layer  intermediate  difference  tolerance")
        for check in checks { print(check.line(looseness)) }
        guard let worst = checks.first(where: { !$0.agrees(looseness) }) else {
            print("All intermediates agree.")
            return
        }
        print("The first that differs is \(worst.name) of layer \(worst.layer).")
        throw ExitCode.failure
    }

    private static func checks(_ a: H5File, _ b: H5File) throws -> [Check] {
        let layers = try Set(a.members(of: "layers")).intersection(b.members(of: "layers"))
        var checks: [Check] = []
        for layer in layers.compactMap({ Int($0) }).sorted() {
            for (name, tolerance) in intermediates {
                let path = "layers/\(layer)/\(name)"
                guard try a.exists(path), try b.exists(path) else { continue }
                checks.append(
                    Check(
                        layer: layer, name: name, tolerance: tolerance,
                        difference: difference(try a.read(path), try b.read(path))))
            }
        }
        return checks
    }

    /// The largest absolute difference; infinite where sizes differ, or only one value is a number.
    private static func difference(_ a: [Float], _ b: [Float]) -> Double {
        guard a.count == b.count else { return .infinity }
        var worst = 0.0
        for (x, y) in zip(a, b) where !(x.isNaN && y.isNaN) {
            let difference = abs(Double(x) - Double(y))
            worst = difference.isNaN ? .infinity : max(worst, difference)
        }
        return worst
    }

    /// One row of the table.
    private struct Check {
        let layer: Int
        let name: String
        let tolerance: Double
        let difference: Double

        func agrees(_ looseness: Double) -> Bool { difference <= tolerance * looseness }

        func line(_ looseness: Double) -> String {
            let label = name.padding(toLength: 13, withPad: " ", startingAt: 0)
            let numbers = String(format: "%10.1e  %9.1e", difference, tolerance * looseness)
            let mark = agrees(looseness) ? "" : "  <- differs"
            return String(format: "%5d  ", layer) + label + numbers + mark
        }
    }
}
