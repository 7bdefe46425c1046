// SPDX-License-Identifier: Apache-2.0
// From the path of a request to a file, and to nothing outside the folders that are served.

import Foundation
import NIOCore
import OpenFiles

/// The path of a request, decoded and known to be harmless: names apart by slashes, none of them empty
/// or beginning with a dot.
struct FilePath: Hashable, Sendable {
    /// Without a slash at either end.
    let text: String

    /// Reads the path of a request; nil if it is not one that a file of ours can have.
    init?(request path: Substring) {
        guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count <= 4096,
            let bytes = Self.percentDecoded(path.utf8.dropFirst())
        else { return nil }
        let isPlain = bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }
        guard isPlain, let text = String(validating: bytes, as: UTF8.self) else { return nil }
        let names = text.split(separator: "/", omittingEmptySubsequences: false)
        guard text.isEmpty || names.allSatisfy({ !$0.isEmpty && $0.first != "." }) else {
            return nil
        }
        self.text = text
    }

    private init(checked text: String) { self.text = text }

    /// The path below a folder; nil if it does not lead there. The folder itself is the empty path.
    func below(_ folder: String) -> FilePath? {
        if text == folder { return FilePath(checked: "") }
        guard text.hasPrefix(folder + "/") else { return nil }
        return FilePath(checked: String(text.dropFirst(folder.count + 1)))
    }

    /// The page itself.
    static let index = FilePath(checked: "index.html")

    private static func percentDecoded(_ path: Substring.UTF8View) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(path.count)
        var rest = path
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexadecimalDigit),
                let low = rest.popFirst().flatMap(hexadecimalDigit)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) }
    }
}

/// What tells one state of a file from another.
struct FileState: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
    let size: Int
    /// Of the last change, in nanoseconds since 1970.
    let time: Int

    /// The state of what is at `path`; nil unless it is a regular file.
    init?(path: String) {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        self.init(info)
    }

    /// The state of an open file; nil unless it is a regular file.
    init?(descriptor: Int32) {
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { return nil }
        self.init(info)
    }

    private init?(_ info: stat) {
        guard info.st_mode & S_IFMT == S_IFREG else { return nil }
        device = UInt64(info.st_dev)
        inode = UInt64(info.st_ino)
        size = Int(info.st_size)
        time = info.st_mtim.tv_sec * 1_000_000_000 + info.st_mtim.tv_nsec
    }

    /// Names this state of the file to caches.
    var tag: String { String(inode, radix: 36) + "-" + String(time, radix: 36) }
}

/// A file that is open for reading; its bytes are those of one state, even if its name passes to
/// another file meanwhile.
final class OpenFile: Sendable {
    let state: FileState
    private let descriptor: Int32

    /// Opens a file under a folder, following links only to where they stay in it.
    init?(_ path: String, under root: String) {
        guard let folder = Self.resolved(root), let file = Self.resolved("\(root)/\(path)"),
            file.hasPrefix(folder == "/" ? "/" : folder + "/")
        else { return nil }
        // Opening a pipe must not wait for its writer.
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        guard let state = FileState(descriptor: descriptor) else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
        self.state = state
    }

    deinit { close(descriptor) }

    private static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The bytes at `range`; nil if the file has become shorter or cannot be read.
    func read(_ range: Range<Int>) -> ByteBuffer? {
        var bytes = ByteBuffer()
        let count = bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: range.count) { free in
            let room = UnsafeMutableRawBufferPointer(rebasing: free.prefix(range.count))
            return readAll(into: room, from: descriptor, at: range.lowerBound)
        }
        return count == range.count ? bytes : nil
    }
}
