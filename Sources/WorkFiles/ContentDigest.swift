// SPDX-License-Identifier: Apache-2.0
// The digest in front of a work file's contents, which is held against them before HDF5 reads any of it.

import Digests
import Foundation
import OpenFiles
import UserErrors

/// What stands in the first 512 bytes of a work file, which HDF5 leaves to its users: how long the contents behind
/// them are, and their XXH64, as three lines of text.
///
///     HeadVis work file
///     bytes 1234567
///     xxh64 0123456789abcdef
///
/// It is against accidents (damage on the way, on the disk, by another program), not against people: who makes a
/// hostile file gives it a digest too. A file without one, with zeros in these bytes or with none before HDF5's own, is
/// of an older version or was edited, and is taken as it is.
package enum ContentDigest {
    /// The size of HDF5's user block.
    package static let blockSize = 512
    private static let title = "HeadVis work file"
    /// HDF5's signature, the first bytes of what is its own.
    private static let hdf5: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Writes the digest of a complete, closed file, and makes the file durable.
    package static func seal(_ path: String) throws {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, let contents = xxh64(of: descriptor, from: blockSize) else {
            throw UserError.system("read", path)
        }
        let block = block(contents.digest, contents.bytes)
        guard writeAll(block, to: descriptor, at: 0), fsync(descriptor) == 0
        else { throw UserError.system("write", path) }
    }

    /// The text, and zeros behind it.
    private static func block(_ digest: UInt64, _ bytes: Int) -> [UInt8] {
        let hex = String(digest, radix: 16)
        let zeros = String(repeating: "0", count: 16 - hex.count)
        let text = Array("\(title)\nbytes \(bytes)\nxxh64 \(zeros)\(hex)\n".utf8)
        return text + [UInt8](repeating: 0, count: blockSize - text.count)
    }

    /// Reads the file from end to end.
    ///
    /// - Parameter stage: what writes such files.
    /// - Throws: when the contents are not those that were written.
    static func check(_ path: String, stage: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw UserError.system("open", path) }
        defer { close(descriptor) }
        var beginning = [UInt8](repeating: 0, count: blockSize + hdf5.count)
        let count = beginning.withUnsafeMutableBytes { readAll(into: $0, from: descriptor, at: 0) }
        beginning.removeLast(beginning.count - count)
        guard !isWithoutDigest(beginning) else { return }
        guard beginning.starts(with: title.utf8) else {
            throw UserError(
                "\(path): is no work file, or damaged in its first bytes; copy it again, or run \(stage) again."
            )
        }
        guard let found = xxh64(of: descriptor, from: blockSize) else {
            throw UserError.system("read", path)
        }
        guard beginning.prefix(blockSize).elementsEqual(block(found.digest, found.bytes)) else {
            throw UserError(
                "\(path): is damaged or was edited, as its contents are not those of its digest; if you edited it, take the digest away (dd if=/dev/zero of=FILE bs=512 count=1 conv=notrunc), else copy it again, or run \(stage) again."
            )
        }
    }

    /// Whether HDF5's own bytes stand first, or behind a block of zeros.
    private static func isWithoutDigest(_ beginning: [UInt8]) -> Bool {
        beginning.starts(with: hdf5)
            || beginning.dropFirst(blockSize).elementsEqual(hdf5)
                && beginning.prefix(blockSize).allSatisfy { $0 == 0 }
    }
}
