// SPDX-License-Identifier: Apache-2.0
// Reading and writing at places of open files, to the last byte.

import Foundation

/// Writes all bytes at a place of an open file, however many the system takes at a time and whatever signals come.
///
/// - Parameter place: in bytes from the start.
/// - Returns: false if not all could be written; errno says why.
public func writeAll(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at place: Int
) -> Bool {
    var done = 0
    while let base = bytes.baseAddress, done < bytes.count {
        let count = pwrite(descriptor, base + done, bytes.count - done, off_t(place + done))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        done += count
    }
    return true
}

/// Writes all bytes at a place of an open file; false if not all could be written, and errno says why.
public func writeAll(_ bytes: [UInt8], to descriptor: Int32, at place: Int) -> Bool {
    bytes.withUnsafeBytes { writeAll($0, to: descriptor, at: place) }
}

/// Fills a buffer with what stands at a place of an open file.
///
/// - Parameter place: in bytes from the start.
/// - Returns: how many bytes were read: fewer than there is room for at the file's end, or where it cannot be read.
public func readAll(
    into buffer: UnsafeMutableRawBufferPointer, from descriptor: Int32, at place: Int
) -> Int {
    var done = 0
    while let base = buffer.baseAddress, done < buffer.count {
        let count = pread(descriptor, base + done, buffer.count - done, off_t(place + done))
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        done += count
    }
    return done
}
