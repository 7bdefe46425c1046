// SPDX-License-Identifier: Apache-2.0
// SHA-256 by OpenSSL's libcrypto.

import CCrypto
import Foundation
import UserErrors

/// A SHA-256 in the making.
public final class SHA256 {
    private let context = EVP_MD_CTX_new()

    /// Of nothing yet.
    public init() {
        precondition(EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1, "libcrypto has no SHA-256")
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Goes on with these bytes.
    public func update(_ bytes: UnsafeRawBufferPointer) {
        precondition(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1)
    }

    /// Goes on with these bytes.
    public func update(_ bytes: some ContiguousBytes) { bytes.withUnsafeBytes { update($0) } }

    /// Goes on with a text's UTF-8.
    public func update(_ text: String) {
        var text = text
        text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
    }

    /// The digest, 32 bytes. Nothing can be added after it.
    public func finalize() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        precondition(EVP_DigestFinal_ex(context, &digest, nil) == 1)
        return digest
    }

    /// The digest of some bytes.
    public static func hash(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        let hash = SHA256()
        hash.update(bytes)
        return hash.finalize()
    }
}

/// A digest in hexadecimal.
public func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
    digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// The SHA-256 of the contents of some files, one after the other, in hexadecimal and in bounded memory.
public func sha256(of files: [URL]) throws -> String {
    let hash = SHA256()
    for url in files {
        let file: FileHandle
        do { file = try FileHandle(forReadingFrom: url) } catch {
            throw UserError("\(url.path): cannot be read.")
        }
        while let block = try file.read(upToCount: 1 << 22), !block.isEmpty { hash.update(block) }
    }
    return hexadecimal(hash.finalize())
}
