// SPDX-License-Identifier: Apache-2.0
// Where the tests' data lies, and folders for what they write.

import Foundation

/// The files under `Tests/Fixtures`.
public enum Fixtures {
    /// `Tests/Fixtures` of this checkout.
    public static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures", directoryHint: .isDirectory)

    /// The fixture at `path`, relative to `Tests/Fixtures`.
    public static func url(_ path: String) -> URL { root.appending(path: path) }
}

/// A folder that exists while `body` runs and is removed with its contents afterwards.
public func withTemporaryFolder<Result>(
    _ body: (URL) throws -> Result
) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
        .appending(path: "headvis-tests-\(UUID().uuidString)", directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}
