// SPDX-License-Identifier: Apache-2.0
// The bytes of a file as a stream: as stored, or decompressed on the way.

import Foundation
import UserErrors

/// How much is read or decompressed at a time, in bytes.
let chunkSize = 256 << 10

/// Bytes that come one chunk after the other.
protocol ByteSource: AnyObject {
    /// Fills the beginning of `buffer`, which is not empty.
    ///
    /// - Returns: how many bytes came, 0 at the end.
    func read(into buffer: UnsafeMutableBufferPointer<UInt8>) throws -> Int
}

/// A file or standard input, as stored.
final class FileBytes: ByteSource {
    let name: String
    private(set) var bytesRead = 0
    private let descriptor: Int32
    /// Bytes that `peek` has read and `read` has not yet given out.
    private var peeked: ArraySlice<UInt8> = []

    /// Opens the file at `path`, or standard input for `-`.
    init(path: String) throws {
        name = path
        descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw UserError.system("open", path) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func read(into buffer: UnsafeMutableBufferPointer<UInt8>) throws -> Int {
        guard peeked.isEmpty else {
            let count = min(peeked.count, buffer.count)
            _ = buffer.update(fromContentsOf: peeked.prefix(count))
            peeked.removeFirst(count)
            return count
        }
        return try readStored(into: buffer)
    }

    /// The first `count` bytes, fewer when there are no more; they stay to be read.
    func peek(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = try bytes.withUnsafeMutableBufferPointer { (all) throws in
                try readStored(into: UnsafeMutableBufferPointer(rebasing: all[filled...]))
            }
            if got == 0 { break }
            filled += got
        }
        peeked = bytes[..<filled]
        return Array(peeked)
    }

    private func readStored(
        into buffer: UnsafeMutableBufferPointer<UInt8>
    ) throws -> Int {
        while true {
            let count = Foundation.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 {
                bytesRead += count
                return count
            }
            guard errno == EINTR else { throw UserError.system("read", name) }
        }
    }
}

/// Something that turns compressed bytes into the bytes they stand for, a piece at a time.
protocol Decompressor: AnyObject {
    /// `gzip` or `zstd`, for messages.
    var formatName: String { get }
    /// Whether the stream may end here: at least one whole member or frame, and no part of another.
    var mayEndHere: Bool { get }
    /// Decompresses what it can of `input` into `output`.
    ///
    /// - Returns: how much of either was used; nil when the stream is corrupt.
    func step(
        _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>
    ) -> (consumed: Int, produced: Int)?
}

/// The bytes that a compressed file stands for.
final class DecompressedBytes: ByteSource {
    private let file: FileBytes
    private let decompressor: any Decompressor
    private var input = [UInt8](repeating: 0, count: chunkSize)
    private var unread = 0..<0
    private var atEnd = false

    init(_ file: FileBytes, with decompressor: any Decompressor) {
        self.file = file
        self.decompressor = decompressor
    }

    func read(into buffer: UnsafeMutableBufferPointer<UInt8>) throws -> Int {
        while true {
            if unread.isEmpty && !atEnd { try refill() }
            let step = input.withUnsafeBufferPointer {
                decompressor.step(UnsafeBufferPointer(rebasing: $0[unread]), buffer)
            }
            guard let step, step.consumed + step.produced > 0 || unread.isEmpty else {
                throw UserError(
                    "\(file.name) is not a sound \(decompressor.formatName) file: "
                        + "its data is corrupt; fetch or compress it again.")
            }
            unread = unread.lowerBound + step.consumed..<unread.upperBound
            if step.produced > 0 { return step.produced }
            if unread.isEmpty && atEnd {
                if decompressor.mayEndHere { return 0 }
                throw UserError(
                    "\(file.name) is not a whole \(decompressor.formatName) file: "
                        + "it ends too early; fetch or compress it again.")
            }
        }
    }

    private func refill() throws {
        let count = try input.withUnsafeMutableBufferPointer { (all) throws in
            try file.read(into: all)
        }
        unread = 0..<count
        atEnd = count == 0
    }
}
