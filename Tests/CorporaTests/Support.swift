// SPDX-License-Identifier: Apache-2.0
// Corpora written for a test, and what a reader makes of them.

import CZlib
import CZstd
import Corpora
import Foundation
import TestSupport
import UserErrors

/// All that came of reading a corpus.
struct Reading {
    var documents: [Document] = []
    var report = CorpusReport()
    var error: UserError?

    var texts: [String] { documents.map(\.text) }

    init(_ paths: [String], _ options: CorpusOptions = CorpusOptions()) {
        do {
            let reader = try CorpusReader(paths: paths, options: options)
            defer { report = reader.report }
            while let document = try reader.next() { documents.append(document) }
        } catch {
            self.error = error as? UserError
        }
    }

    /// Reads `data` from a file called `name`.
    init(
        _ data: Data, named name: String, _ options: CorpusOptions = CorpusOptions()
    ) throws {
        self = try withTemporaryFolder { folder in
            let url = folder.appending(path: name)
            try data.write(to: url)
            return Reading([url.path], options)
        }
    }

    init(
        _ text: String, named name: String, _ options: CorpusOptions = CorpusOptions()
    ) throws {
        try self.init(Data(text.utf8), named: name, options)
    }
}

/// One gzip member.
func gzip(_ data: Data) -> Data {
    var stream = z_stream()
    deflateInit2_(
        &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size))
    defer { deflateEnd(&stream) }
    var input = [UInt8](data)
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(input.count))))
    let size = input.withUnsafeMutableBufferPointer { source in
        output.withUnsafeMutableBufferPointer { target in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            stream.next_out = target.baseAddress
            stream.avail_out = UInt32(target.count)
            deflate(&stream, Z_FINISH)
            return Int(stream.total_out)
        }
    }
    return Data(output[..<size])
}

/// One zstd frame.
func zstandard(_ data: Data) -> Data {
    let input = [UInt8](data)
    var output = [UInt8](repeating: 0, count: ZSTD_compressBound(input.count))
    let size = ZSTD_compress(&output, output.count, input, input.count, 3)
    return Data(output[..<size])
}

/// Packs as the ending says: `.gz`, `.zst`, or not at all.
func pack(_ data: Data, _ ending: String) -> Data {
    switch ending {
    case ".gz": gzip(data)
    case ".zst": zstandard(data)
    default: data
    }
}
