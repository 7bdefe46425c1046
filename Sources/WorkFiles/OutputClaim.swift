// SPDX-License-Identifier: Apache-2.0
// One writer at a time: the claim on a file that is being written, and the temporary name it is written under.

import Foundation
import UserErrors

/// Held while a file is written. Another process that wants to write the same file is told who is at it.
///
/// The claim is a lock on a file beside the output, which ends with the process however it ends. It holds
/// between machines as far as their file system's locks do; where it has none, two writers each write a whole
/// file under a name of their own, and the later one stays.
package final class OutputClaim {
    /// The file that is written until it is complete: a name that no other process has.
    package let temporaryPath: String
    private let lockPath: String
    private var descriptor: Int32 = -1

    /// Claims `path` and removes what killed writers on this machine left of it.
    ///
    /// - Throws: when another process has claimed it, or when something other than a plain file stands there.
    package init(_ path: String) throws {
        let url = URL(filePath: path)
        let folder = url.deletingLastPathComponent().path
        let name = url.lastPathComponent
        let host = Self.hostName
        lockPath = "\(folder)/.\(name).lock"
        temporaryPath = "\(folder)/.\(name).\(host).\(getpid()).partial"
        try Self.refuseOtherKinds(path)
        try lock(path, as: "process \(getpid()) on \(host)")
        removeLeftovers(in: folder, prefix: ".\(name).\(host).")
    }

    deinit {
        guard descriptor >= 0 else { return }
        unlink(lockPath)
        close(descriptor)
    }

    private static var hostName: String {
        let name = ProcessInfo.processInfo.hostName
        return String(name.map { $0.isLetter || $0.isNumber || $0 == "-" ? $0 : "-" })
    }

    private static func refuseOtherKinds(_ path: String) throws {
        var info = stat()
        guard lstat(path, &info) == 0, info.st_mode & S_IFMT != S_IFREG else { return }
        throw UserError(
            "\(path): is a folder, a link or a device, which is not replaced by a work file; give another name."
        )
    }

    private func lock(_ path: String, as owner: String) throws {
        while true {
            let file = open(lockPath, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o644)
            guard file >= 0 else {
                throw UserError(
                    "\(path): cannot be written (\(String(cString: strerror(errno)))); is the folder writable?"
                )
            }
            if flock(file, LOCK_EX | LOCK_NB) != 0 {
                let isHeld = errno == EWOULDBLOCK
                let other = Self.contents(of: file)
                close(file)
                guard isHeld else { return }
                throw UserError(
                    "\(path): is being written by \(other.isEmpty ? "another process" : other); wait until it is done, or set WORK to another folder."
                )
            }
            // The file that was locked may have been removed by its owner just before.
            var (held, there) = (stat(), stat())
            guard fstat(file, &held) == 0, stat(lockPath, &there) == 0, held.st_ino == there.st_ino
            else {
                close(file)
                continue
            }
            ftruncate(file, 0)
            _ = owner.withCString { pwrite(file, $0, strlen($0), 0) }
            descriptor = file
            return
        }
    }

    private static func contents(of file: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = pread(file, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// While the claim is held, every other temporary file of this machine is a killed writer's.
    private func removeLeftovers(in folder: String, prefix: String) {
        guard descriptor >= 0 else { return }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        where name.hasPrefix(prefix) && name.hasSuffix(".partial") {
            unlink("\(folder)/\(name)")
        }
    }
}
