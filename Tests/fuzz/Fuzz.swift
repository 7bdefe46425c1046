// SPDX-License-Identifier: Apache-2.0
// What libFuzzer calls: one input for one reader, in a folder of this process.

import Foundation

/// Every input is read or refused; anything else (a trap, a hang, a gigabyte for a few bytes) is a find, which
/// libFuzzer keeps.
@_cdecl("LLVMFuzzerTestOneInput")
public func readOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let data = Data(bytes: bytes, count: count)
    try? Fuzzing.reader.read(data, in: Fuzzing.folder)
    return 0
}

/// What this process was started for.
private enum Fuzzing {
    /// The reader that the environment names.
    static let reader: ForeignReader = {
        let name = ProcessInfo.processInfo.environment["HEADVIS_FUZZ"] ?? ""
        guard let reader = ForeignReader(rawValue: name) else {
            let names = ForeignReader.allCases.map(\.rawValue).joined(separator: " ")
            FileHandle.standardError.write(Data("HEADVIS_FUZZ names no reader: \(names)\n".utf8))
            exit(2)
        }
        return reader
    }()

    /// Where inputs become files.
    static let folder: URL = {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "headvis-fuzz-\(getpid())", directoryHint: .isDirectory)
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }()
}
