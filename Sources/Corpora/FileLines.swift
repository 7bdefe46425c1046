// SPDX-License-Identifier: Apache-2.0
// The lines of one file that is no corpus, decompressed on the way.

import UserErrors

/// Lines of a text file; with a name in .gz or .zst, of what it stands for. Memory holds one line.
public struct FileLines {
    /// One line, without its ending.
    public enum Line: Sendable, Equatable {
        case bytes([UInt8])
        /// It was longer than the limit and has been passed over.
        case tooLong
    }

    private var reader: LineReader

    /// Opens a file.
    ///
    /// - Parameter longest: the most bytes that a line may have.
    public init(path: String, longest: Int) throws {
        let stored = try FileBytes(path: path)
        let bytes: any ByteSource =
            if path.hasSuffix(".gz") {
                DecompressedBytes(stored, with: try GzipDecompressor())
            } else if path.hasSuffix(".zst") {
                DecompressedBytes(stored, with: try ZstandardDecompressor())
            } else {
                stored
            }
        reader = LineReader(bytes, limit: longest)
        guard !UserError.isLFSPointer(reader.beginning) else { throw UserError.lfsPointer(path) }
    }

    /// The number of the line last returned, from 1.
    public var number: Int { reader.number }

    /// The next line, nil at the end.
    ///
    /// - Throws: where the file cannot be read or decompressed further.
    public mutating func next() throws -> Line? {
        switch try reader.next() {
        case .bytes(let range): .bytes(Array(reader.buffer[range]))
        case .tooLong: .tooLong
        case nil: nil
        }
    }
}
