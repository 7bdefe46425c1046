// SPDX-License-Identifier: Apache-2.0
// gzip by way of zlib.

import CZlib

/// The bytes in gzip's format; nil if there is not enough memory.
func gzipped(_ bytes: [UInt8]) -> [UInt8]? {
    var stream = z_stream()
    // 15 bits of window, which is all there are; 16 asks for the gzip wrapper. Level 5 is within 2% of
    // the size of level 9 on a head file, at a fifth of its time.
    guard
        deflateInit2_(
            &stream, 5, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    guard let size = UInt32(exactly: bytes.count),
        let bound = UInt32(exactly: deflateBound(&stream, UInt(size)))
    else { return nil }
    let compressed = [UInt8](unsafeUninitializedCapacity: Int(bound)) { output, count in
        bytes.withUnsafeBufferPointer { input in
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = size
            stream.next_out = output.baseAddress
            stream.avail_out = bound
            if deflate(&stream, Z_FINISH) == Z_STREAM_END {
                count = Int(bound - stream.avail_out)
            }
        }
    }
    return compressed.isEmpty ? nil : compressed
}
