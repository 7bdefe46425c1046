// SPDX-License-Identifier: Apache-2.0
// gzip by way of zlib.

import CZlib
import NIOCore

/// A file in gzip's format, read piece by piece.
///
/// - Parameter limit: the most bytes to make.
/// - Returns: nil if the file cannot be read to its end, if there would be more than `limit` bytes, or if there is not
///   enough memory.
func gzipped(_ file: OpenFile, limit: Int) -> ByteBuffer? {
    var stream = z_stream()
    // 15 bits of window, which is all there are; 16 asks for the gzip wrapper. Level 5 is within 2% of
    // the size of level 9 on a head file, at a fifth of its time.
    guard
        deflateInit2_(
            &stream, 5, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    var output = ByteBuffer()
    var position = 0
    while true {
        let piece = position..<min(position + pieceSize, file.state.size)
        guard var input = file.read(piece) else { return nil }
        position = piece.upperBound
        let isLast = position == file.state.size
        let isWhole = input.withUnsafeMutableReadableBytes { input in
            stream.next_in = input.bindMemory(to: UInt8.self).baseAddress
            stream.avail_in = UInt32(input.count)
            return deflateAll(&stream, flush: isLast ? Z_FINISH : Z_NO_FLUSH, to: &output, limit)
        }
        guard isWhole else { return nil }
        if isLast { return output }
    }
}

/// Compresses what the stream has been given to the end; false if that makes more than `limit` bytes.
private func deflateAll(
    _ stream: inout z_stream, flush: Int32, to output: inout ByteBuffer, _ limit: Int
) -> Bool {
    repeat {
        guard output.readableBytes <= limit else { return false }
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: 16 << 10) { free in
            let room = UInt32(clamping: free.count)
            stream.next_out = free.bindMemory(to: UInt8.self).baseAddress
            stream.avail_out = room
            // It can only fail for want of room, which the loop gives it.
            deflate(&stream, flush)
            return Int(room - stream.avail_out)
        }
    } while stream.avail_out == 0
    return true
}
