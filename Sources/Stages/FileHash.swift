// SPDX-License-Identifier: Apache-2.0
// SHA-256 of files, in bounded memory.

import Crypto
import Foundation

/// The SHA-256 of the contents of some files, one after the other, in hexadecimal.
public func sha256(of files: [URL]) throws -> String {
    var hash = SHA256()
    for url in files {
        let file: FileHandle
        do { file = try FileHandle(forReadingFrom: url) } catch {
            throw StageError("\(url.path): cannot be read.")
        }
        while let block = try file.read(upToCount: 1 << 22), !block.isEmpty {
            hash.update(data: block)
        }
    }
    return hexadecimal(hash.finalize())
}

/// A digest in hexadecimal.
public func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
    digest.map { String(format: "%02x", $0) }.joined()
}
