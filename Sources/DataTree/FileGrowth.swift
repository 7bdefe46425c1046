// SPDX-License-Identifier: Apache-2.0
// Files that grow near their end, in time that does not depend on their size.

import CLinux
import Foundation
import OpenFiles

/// Insertions into one file, each of which appears whole under the file's name, or not at all.
///
/// Two files take turns: the one under the name, and a spare one beside it that is one insertion behind. An insertion
/// completes the spare, makes it durable and lets the two change names in one step, so it writes what is new and no
/// more. Who reads the old file may still have it open when its turn comes; the system tells (a lease is given only
/// for a file that nobody else has open), and then the spare is made anew by copying. So what somebody has opened
/// never changes under him. Nothing here relies on the spare: without it, or on a file system that knows neither leases
/// nor the exchange of names, every insertion copies the file.
public struct FileGrowth: Sendable {
    /// The other file, as it was left.
    private struct Spare {
        let device: UInt64
        let inode: UInt64
        let size: Int
        let time: Int
        /// So many bytes from the start are those of the file under the name.
        var common: Int
    }

    private var spare: Spare?

    /// Smaller files are copied, so that no spare lies beside them.
    private static let smallestWithSpare = 256 << 10

    /// A growth of a file about which nothing is known yet.
    public init() {}

    /// Says that the file under the name was replaced by one that is the same up to `place` only.
    public mutating func fileChanged(from place: Int) {
        if let known = spare { spare?.common = min(known.common, place) }
    }

    /// Inserts bytes. When this returns, they are on the disk under the file's name.
    ///
    /// - Parameters:
    ///   - place: in bytes from the start; what lies behind it is written anew each time.
    ///   - url: the file, which nobody else replaces meanwhile.
    ///   - current: the file, open for reading.
    public mutating func insert(
        _ bytes: [UInt8], at place: Int, into url: URL, current: Int32
    ) throws(DataTreeError) {
        let old = try Status(current, of: url)
        let path = Self.spare(of: url).path
        let known = spare
        spare = nil
        guard let (next, common) = Self.open(path, as: known) else { throw .cannotWrite(url) }
        // Closing it gives up the lease: until the end, who opens the spare waits.
        defer { close(next) }
        let size = old.size + bytes.count
        let isWhole =
            copy(current, from: min(common, place), to: place, into: next, at: min(common, place))
            && writeAll(bytes, to: next, at: place)
            && copy(current, from: place, to: old.size, into: next, at: place + bytes.count)
            && ftruncate(next, off_t(size)) == 0
            && Self.touch(next, after: max(old.time, known?.time ?? 0)) && fsync(next) == 0
        guard isWhole else {
            let error = DataTreeError.cannotWrite(url)
            unlink(path)
            throw error
        }
        if size >= Self.smallestWithSpare, Self.exchange(path, url.path) {
            spare = Spare(
                device: old.device, inode: old.inode, size: old.size, time: old.time, common: place)
        } else if rename(path, url.path) != 0 {
            let error = DataTreeError.cannotWrite(url)
            unlink(path)
            throw error
        }
        guard DurableFile.sync(url.deletingLastPathComponent()) else { throw .cannotWrite(url) }
    }

    /// Where the spare lies: a name that servers do not serve, and that is cleared away as a leftover.
    static func spare(of url: URL) -> URL {
        url.deletingLastPathComponent().appending(path: ".\(url.lastPathComponent).spare.tmp")
    }

    /// The spare if it is as it was left and ours alone, else a new file; with how much of it is right already.
    private static func open(_ path: String, as known: Spare?) -> (Int32, common: Int)? {
        if let known {
            let descriptor = Foundation.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
            if descriptor >= 0 {
                let status = Status(descriptor)
                if let status, status.device == known.device, status.inode == known.inode,
                    status.size == known.size, status.time == known.time, status.names == 1,
                    isOurs(descriptor)
                {
                    return (descriptor, known.common)
                }
                close(descriptor)
            }
        }
        unlink(path)
        let descriptor = Foundation.open(
            path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o644)
        return descriptor < 0 ? nil : (descriptor, 0)
    }

    /// Whether nobody else has the file open; who opens it from now on waits until it is closed here.
    private static func isOurs(_ descriptor: Int32) -> Bool {
        // The signal for those who wait is one that does nothing by itself.
        fcntl(descriptor, Int32(HEADVIS_F_SETSIG), SIGURG) == 0
            && fcntl(descriptor, Int32(HEADVIS_F_SETLEASE), Int32(F_WRLCK)) == 0
    }

    private static func exchange(_ path: String, _ other: String) -> Bool {
        renameat2(AT_FDCWD, path, AT_FDCWD, other, UInt32(HEADVIS_RENAME_EXCHANGE)) == 0
    }

    /// Sets the time of change: later than that of every state before, however coarse the system's clock is, as caches
    /// tell states by it.
    private static func touch(_ descriptor: Int32, after time: Int) -> Bool {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let second = 1_000_000_000
        let next = max(now.tv_sec * second + now.tv_nsec, time + 1)
        let stamp = timespec(tv_sec: next / second, tv_nsec: next % second)
        return futimens(descriptor, [stamp, stamp]) == 0
    }
}

/// What the system tells of an open file.
private struct Status {
    let device: UInt64
    let inode: UInt64
    let size: Int
    /// Of the last change, in nanoseconds since 1970.
    let time: Int
    /// How many names it has.
    let names: Int

    init?(_ descriptor: Int32) {
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { return nil }
        device = UInt64(info.st_dev)
        inode = UInt64(info.st_ino)
        size = Int(info.st_size)
        time = info.st_mtim.tv_sec * 1_000_000_000 + info.st_mtim.tv_nsec
        names = Int(info.st_nlink)
    }

    init(_ descriptor: Int32, of url: URL) throws(DataTreeError) {
        guard let status = Status(descriptor) else { throw .cannotWrite(url) }
        self = status
    }
}

/// Copies bytes `from` to `to` of one file into another; false if not all of them could be.
private func copy(_ source: Int32, from: Int, to: Int, into target: Int32, at place: Int) -> Bool {
    var (input, output) = (from, place)
    while input < to {
        let n = copy_file_range(source, &input, target, &output, UInt(to - input), 0)
        if n < 0, errno == EINTR { continue }
        guard n > 0 else { break }
    }
    var buffer = [UInt8](repeating: 0, count: input < to ? min(1 << 20, to - input) : 0)
    while input < to {
        let isCopied = buffer.withUnsafeMutableBytes { buffer in
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(to - input))
            return readAll(into: piece, from: source, at: input) == piece.count
                && writeAll(UnsafeRawBufferPointer(piece), to: target, at: output)
        }
        guard isCopied else { return false }
        input += buffer.count
        output += buffer.count
    }
    return true
}
