// SPDX-License-Identifier: Apache-2.0
// What people or models say the features of a dictionary mean: descriptions.jsonl.

import Foundation
import UserErrors

/// Descriptions of some of a dictionary's features.
///
/// The file holds one JSON object a line, `{"index": 5, "description": "..."}`. An index may be a string, as
/// in Neuronpedia's exports; other keys, blank lines and empty descriptions are passed over. Where a
/// feature has several, the first counts.
public struct FeatureDescriptions: Sendable {
    /// The longest description kept, in UTF-8 bytes; longer ones are cut.
    public static let longest = 1024
    /// The longest line read, in bytes.
    static let longestLine = 1 << 20

    /// All descriptions one after another in UTF-8: one block of memory instead of one for each.
    private var text: [UInt8] = []
    private var ranges: [Int: Range<Int>] = [:]

    /// No descriptions.
    public init() {}

    /// Reads a descriptions.jsonl.
    ///
    /// - Parameter count: of the dictionary's features.
    /// - Throws: with the number of the line that cannot be used.
    public init(contentsOf url: URL, count: Int) throws {
        let file: FileHandle
        do { file = try FileHandle(forReadingFrom: url) } catch {
            throw UserError("\(url.path): cannot be read; give a readable file.")
        }
        defer { try? file.close() }
        var lines = 0
        var rest = Data()
        while true {
            let piece: Data
            do { piece = try file.read(upToCount: Self.longestLine) ?? Data() } catch {
                throw UserError("\(url.path): cannot be read to its end; give a whole file.")
            }
            rest.append(piece)
            let end = piece.isEmpty ? rest.endIndex : rest.lastIndex(of: UInt8(ascii: "\n"))
            if let end {
                for line in rest[..<end].split(
                    separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                {
                    lines += 1
                    try add(line, number: lines, of: url, count: count)
                }
                rest = Data(rest[end...].dropFirst())
            }
            guard !piece.isEmpty else { return }
            guard rest.count <= Self.longestLine else {
                throw Self.malformed(
                    url, lines + 1, "is longer than \(Self.longestLine) bytes")
            }
        }
    }

    /// Number of features with a description.
    public var count: Int { ranges.count }

    /// The description of a feature, if there is one.
    public subscript(feature: Int) -> String? {
        ranges[feature].map { String(decoding: text[$0], as: UTF8.self) }
    }

    private mutating func add(
        _ line: Data, number: Int, of url: URL, count: Int
    ) throws {
        guard line.contains(where: { !Self.blanks.contains($0) }) else { return }
        let entry: Entry
        do { entry = try JSONDecoder().decode(Entry.self, from: line) } catch {
            throw Self.malformed(
                url, number, "is not {\"index\": a number, \"description\": \"...\"}")
        }
        guard (0..<count).contains(entry.index) else {
            throw Self.malformed(
                url, number,
                "describes feature \(entry.index) of a dictionary with \(count) features")
        }
        guard let description = entry.description, !description.isEmpty,
            ranges[entry.index] == nil
        else { return }
        let start = text.count
        text.append(contentsOf: Self.cut(description).utf8)
        ranges[entry.index] = start..<text.count
    }

    /// The description, or as many of its characters as fit.
    private static func cut(_ description: String) -> Substring {
        guard description.utf8.count > longest else { return description[...] }
        let bytes = description.utf8
        let limit = bytes.index(bytes.startIndex, offsetBy: longest)
        return description[..<(description.indices.last { $0 <= limit } ?? description.startIndex)]
    }

    private static let blanks = Set(" \t\r".utf8)

    private static func malformed(_ url: URL, _ line: Int, _ problem: String) -> UserError {
        UserError("\(url.path): line \(line) \(problem); correct or remove it.")
    }

    /// One line.
    private struct Entry: Decodable {
        let index: Int
        let description: String?

        enum CodingKeys: CodingKey {
            case index, description
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            if let text = try? container.decode(String.self, forKey: .index) {
                guard let number = Int(text) else {
                    throw DecodingError.dataCorruptedError(
                        forKey: .index, in: container, debugDescription: "not a number")
                }
                index = number
            } else {
                index = try container.decode(Int.self, forKey: .index)
            }
            // The key must be there; null is no description.
            description =
                try container.decodeNil(forKey: .description)
                ? nil : container.decode(String.self, forKey: .description)
        }
    }
}
