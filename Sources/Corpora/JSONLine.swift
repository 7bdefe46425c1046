// SPDX-License-Identifier: Apache-2.0
// The text of a document out of a line of JSON.

import JSON

/// Why a line yields no text; goes behind the place in a message.
struct LineFault: Error, Equatable {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// Lines of JSON, one object each.
enum JSONLine {
    /// The string under `field`. Numbers may also be NaN, Infinity and -Infinity, which Python's json.dumps writes.
    static func text(
        of field: String, in line: UnsafeBufferPointer<UInt8>
    ) throws(LineFault) -> String {
        var scanner = JSONScanner(line, allowsNonFinite: true)
        let found: JSONField
        do { found = try scanner.field(named: field) } catch {
            guard error.problem == .halfSurrogate else {
                throw LineFault("is not a JSON object: \(error)")
            }
            throw LineFault("has half of a surrogate pair in its text")
        }
        switch found {
        case .string(let text): return text
        case .missing: throw LineFault("has no field \"\(field)\"")
        case .other: throw LineFault("has no string in its field \"\(field)\"")
        }
    }
}
