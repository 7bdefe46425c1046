// SPDX-License-Identifier: Apache-2.0
// Where the members of a JSON object stand, so that some can be kept byte by byte.

import Foundation

/// The members of a JSON object as they are written: values are neither parsed nor changed.
public struct JSONMembers: Sendable {
    private let bytes: [UInt8]
    private let ranges: [String: Range<Int>]

    /// Finds the members, or returns nil if `data` is not one JSON object.
    public init?(_ data: Data) {
        // The parser checks the form, so that the scan below need not.
        guard (try? JSONSerialization.jsonObject(with: data)) is [String: Any] else { return nil }
        bytes = [UInt8](data)
        ranges = Self.scan(bytes)
    }

    /// The bytes of a member's value.
    public subscript(_ name: String) -> ArraySlice<UInt8>? { ranges[name].map { bytes[$0] } }

    private static func scan(_ bytes: [UInt8]) -> [String: Range<Int>] {
        var ranges: [String: Range<Int>] = [:]
        var depth = 0
        var i = 0
        var name: String?
        var valueStart: Int?
        func close(_ end: Int) {
            if let key = name, let start = valueStart { ranges[key] = start..<end }
            name = nil
            valueStart = nil
        }
        while i < bytes.count {
            switch bytes[i] {
            case UInt8(ascii: "\""):
                let start = i
                i += 1
                while i < bytes.count, bytes[i] != UInt8(ascii: "\"") {
                    i += bytes[i] == UInt8(ascii: "\\") ? 2 : 1
                }
                if depth == 1, valueStart == nil {
                    name = try? JSONDecoder().decode(String.self, from: Data(bytes[start...i]))
                }
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { close(i) }
            case UInt8(ascii: ":") where depth == 1: valueStart = i + 1
            case UInt8(ascii: ",") where depth == 1: close(i)
            default: break
            }
            i += 1
        }
        return ranges
    }
}
