// SPDX-License-Identifier: Apache-2.0
// The JSON of checkpoints: safetensors' headers and the indexes of shards.

import Foundation
import JSON
import UserErrors

/// Reads the JSON text in `bytes` from end to end.
///
/// - Parameters:
///   - what: the text, such as "its header".
///   - body: reads its value.
/// - Throws: `UserError` about `file` if it is not JSON or another value than `body` asks for.
func readingJSON<Result>(
    _ what: String, of file: URL, _ bytes: UnsafeRawBufferPointer,
    _ body: (inout JSONScanner) throws -> Result
) throws -> Result {
    var scanner = JSONScanner(bytes.bindMemory(to: UInt8.self))
    do {
        let result = try body(&scanner)
        try scanner.end()
        return result
    } catch let error as JSONError {
        throw UserError.malformed(file, "\(what) is not the JSON it must be (\(error))")
    }
}
