// SPDX-License-Identifier: Apache-2.0
// Writes files so that a crash leaves the old contents or the new ones.

import Foundation
import OpenFiles

/// Files that are replaced whole.
public enum DurableFile {
    /// Writes a temporary file beside it, makes it durable and renames it; then makes the rename
    /// durable. When this returns, the new contents are on the disk under the file's name.
    ///
    /// The file may be a name of two trees (`TreeReplacement.keep`): the other keeps the old contents.
    public static func replace(_ url: URL, with bytes: [UInt8]) throws(DataTreeError) {
        let folder = url.deletingLastPathComponent()
        let isNew = access(folder.path, F_OK) != 0
        let temporary = folder.appending(path: ".\(url.lastPathComponent).\(getpid()).tmp")
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch { throw .cannotWrite(url) }
        let descriptor = open(
            temporary.path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw .cannotWrite(url) }
        let isWhole = writeAll(bytes, to: descriptor, at: 0) && fsync(descriptor) == 0
        let isClosed = close(descriptor) == 0
        guard isWhole, isClosed, rename(temporary.path, url.path) == 0 else {
            let error = DataTreeError.cannotWrite(url)
            unlink(temporary.path)
            throw error
        }
        guard sync(folder), !isNew || sync(folder.deletingLastPathComponent()) else {
            throw .cannotWrite(url)
        }
    }

    /// Makes the names in a folder durable.
    static func sync(_ folder: URL) -> Bool {
        let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return fsync(descriptor) == 0
    }
}

extension DataTreeError {
    /// Says why with the system's last error.
    static func cannotWrite(_ url: URL) -> DataTreeError {
        DataTreeError(
            "\(url.lastPathComponent) cannot be written (\(String(cString: strerror(errno)))); is the disk full or read-only?"
        )
    }
}
