// SPDX-License-Identifier: Apache-2.0
// The faces of zlib and zstd: streams of one or more members or frames, in bounded memory.

import CZlib
import CZstd
import UserErrors

/// gzip by way of zlib: several members in a row are one stream, zero bytes between them are padding.
final class GzipDecompressor: Decompressor {
    let formatName = "gzip"
    private(set) var mayEndHere = false
    // zlib keeps the address of this struct, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>

    init() throws {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, which is all there are; 16 asks for the gzip wrapper.
        guard
            inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
                == Z_OK
        else { throw UserError("There is not enough memory to decompress gzip.") }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func step(
        _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>
    ) -> (consumed: Int, produced: Int)? {
        if mayEndHere {
            let padding = input.prefix { $0 == 0 }.count
            if padding > 0 || input.isEmpty { return (padding, 0) }
            guard inflateReset(stream) == Z_OK else { return nil }
            mayEndHere = false
        }
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = UInt32(input.count)
        stream.pointee.next_out = output.baseAddress
        stream.pointee.avail_out = UInt32(clamping: output.count)
        let offered = Int(stream.pointee.avail_out)
        let status = inflate(stream, Z_NO_FLUSH)
        let consumed = input.count - Int(stream.pointee.avail_in)
        let produced = offered - Int(stream.pointee.avail_out)
        switch status {
        case Z_STREAM_END: mayEndHere = true
        case Z_OK, Z_BUF_ERROR: break
        // What came before the fault is good; zlib repeats the fault at the next call.
        default: if produced == 0 { return nil }
        }
        return (consumed, produced)
    }
}

/// zstd: several frames in a row are one stream. Windows of up to 2 GiB (`zstd --long=31`, the largest there
/// is) are read; the memory for one is only used as far as the text goes back.
final class ZstandardDecompressor: Decompressor {
    let formatName = "zstd"
    private(set) var mayEndHere = false
    private let stream: OpaquePointer
    /// How many bytes zstd wants next. Giving no more keeps a call to one block, so that a corrupt
    /// block takes no sound one with it.
    private var wanted: Int

    init() throws {
        guard let stream = ZSTD_createDStream() else {
            throw UserError("There is not enough memory to decompress zstd.")
        }
        self.stream = stream
        wanted = ZSTD_initDStream(stream)
        ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, 31)
    }

    deinit { ZSTD_freeDStream(stream) }

    func step(
        _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>
    ) -> (consumed: Int, produced: Int)? {
        if mayEndHere && input.isEmpty { return (0, 0) }
        var source = ZSTD_inBuffer(
            src: input.baseAddress, size: min(input.count, max(wanted, 1)), pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let status = ZSTD_decompressStream(stream, &target, &source)
        guard ZSTD_isError(status) == 0 else { return nil }
        wanted = status
        mayEndHere = status == 0
        return (source.pos, target.pos)
    }
}
