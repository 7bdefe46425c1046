// SPDX-License-Identifier: Apache-2.0
// Running the programs that were built beside the tests.

import Foundation

/// What a program did.
public struct ProgramResult: Sendable {
    /// Its exit code; negative: the signal that ended it.
    public let status: Int32
    /// What it wrote to standard output.
    public let output: String
    /// What it wrote to standard error.
    public let errors: String
}

/// The folder with the programs of this build.
public let programFolder: URL = {
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let beside = URL(filePath: tests).deletingLastPathComponent()
    // The test runner may be the toolchain's own; the bundle it runs is among its arguments.
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") }
    return bundle.map { URL(filePath: $0).deletingLastPathComponent() } ?? beside
}()

/// Runs a program of this build to its end.
///
/// - Parameter input: its standard input.
public func run(_ program: String, _ arguments: [String], input: String = "") throws
    -> ProgramResult
{
    try withTemporaryFolder { folder in
        let process = Process()
        process.executableURL = programFolder.appending(path: program)
        process.arguments = arguments
        // Files, not pipes: nothing to drain while it runs.
        let files = try ["in", "out", "err"].map { name in
            let url = folder.appending(path: name)
            try Data((name == "in" ? input : "").utf8).write(to: url)
            return url
        }
        process.standardInput = try FileHandle(forReadingFrom: files[0])
        process.standardOutput = try FileHandle(forWritingTo: files[1])
        process.standardError = try FileHandle(forWritingTo: files[2])
        try process.run()
        process.waitUntilExit()
        let isSignal = process.terminationReason == .uncaughtSignal
        return ProgramResult(
            status: isSignal ? -process.terminationStatus : process.terminationStatus,
            output: try String(contentsOf: files[1], encoding: .utf8),
            errors: try String(contentsOf: files[2], encoding: .utf8))
    }
}
