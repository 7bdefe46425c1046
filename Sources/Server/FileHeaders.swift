// SPDX-License-Identifier: Apache-2.0
// What HTTP says about files: types, tags, ranges and encodings (RFC 9110).

import Hummingbird

/// The media type of a file, by its name.
func mediaType(of path: String) -> String {
    let name = path.split(separator: "/").last ?? ""
    switch name.split(separator: ".").dropFirst().last?.lowercased() {
    case "html": return "text/html; charset=utf-8"
    case "js", "mjs": return "text/javascript; charset=utf-8"
    case "css": return "text/css; charset=utf-8"
    case "json", "map": return "application/json; charset=utf-8"
    case "svg": return "image/svg+xml"
    case "txt", "md": return "text/plain; charset=utf-8"
    case "png": return "image/png"
    case "jpg", "jpeg": return "image/jpeg"
    case "ico": return "image/x-icon"
    case "woff2": return "font/woff2"
    case "wasm": return "application/wasm"
    default: return "application/octet-stream"
    }
}

/// Whether a type is worth compressing.
func isCompressible(_ mediaType: String) -> Bool {
    mediaType.hasPrefix("text/") || mediaType.hasPrefix("application/json")
        || mediaType == "image/svg+xml" || mediaType == "application/wasm"
}

/// Whether a client takes gzip: named, or covered by *, with a weight above 0.
func acceptsGzip(_ header: String?) -> Bool {
    var star = false
    for item in (header ?? "").lowercased().split(separator: ",") {
        let parts = item.split(separator: ";").map { $0.trimmingSpaces }
        let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { $0.dropFirst(2) }
        let isWanted = weight.map { Double($0) ?? 0 > 0 } ?? true
        if parts.first == "gzip" || parts.first == "x-gzip" { return isWanted }
        if parts.first == "*" { star = isWanted }
    }
    return star
}

/// Whether a list of entity tags, or *, holds this one; weak tags count as equal.
func tags(_ header: String?, match tag: String) -> Bool {
    guard let header else { return false }
    return header.split(separator: ",").contains { item in
        let item = item.trimmingSpaces
        return item == "*" || item == tag || (item.hasPrefix("W/") && item.dropFirst(2) == tag)
    }
}

/// What a Range header asks of a body.
enum ByteRange: Equatable {
    /// All of it: no range, several, or a unit that is not bytes.
    case whole
    case part(Range<Int>)
    /// Nothing that is there.
    case unsatisfiable

    /// Reads the header for a body of `size` bytes.
    init(_ header: String?, size: Int) {
        guard let header, header.hasPrefix("bytes="), !header.contains(",") else {
            self = .whole
            return
        }
        let ends = header.dropFirst("bytes=".count)
            .split(separator: "-", omittingEmptySubsequences: false).map { $0.trimmingSpaces }
        guard ends.count == 2, ends.allSatisfy({ $0.utf8.allSatisfy(Self.isDigit) }) else {
            self = .whole
            return
        }
        // Numbers too large for Int lie behind any end.
        let (first, last) = (ends[0], ends[1])
        switch (first.isEmpty, last.isEmpty) {
        case (true, true): self = .whole
        case (true, false):
            let count = min(Int(last) ?? .max, size)
            self = count == 0 ? .unsatisfiable : .part(size - count..<size)
        case (false, _):
            let start = Int(first) ?? .max
            let end = last.isEmpty ? size : min(Int(last) ?? .max, size - 1) + 1
            if !last.isEmpty, let last = Int(last), last < start {
                self = .whole
            } else {
                self = start < size ? .part(start..<end) : .unsatisfiable
            }
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}

extension StringProtocol {
    /// Without spaces and tabs at the ends.
    fileprivate var trimmingSpaces: SubSequence {
        var rest = self[...]
        while let first = rest.first, first == " " || first == "\t" { rest = rest.dropFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
        return rest
    }
}
