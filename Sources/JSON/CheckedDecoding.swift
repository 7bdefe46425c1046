// SPDX-License-Identifier: Apache-2.0
// Small fixed shapes out of bytes that may be anything.

import Foundation

extension JSONDecoder {
    /// Decodes bytes that are JSON from end to end by this module's scanner, which bounds their depth.
    ///
    /// Foundation's own scanner traps on some that are not: on 513 brackets that end the text, where it computes
    /// the place of its error behind the last byte (Swift 6.3).
    ///
    /// - Throws: `JSONError` for what is not JSON, `DecodingError` for another shape.
    public func decode<Value: Decodable>(_ type: Value.Type, checking bytes: [UInt8]) throws
        -> Value
    {
        _ = try JSONText(bytes)
        return try decode(type, from: Data(bytes))
    }
}
