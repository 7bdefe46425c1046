// SPDX-License-Identifier: Apache-2.0
// What people or models say the features of a dictionary mean: descriptions.jsonl, and Neuronpedia's exports.

import Corpora
import Foundation
import JSON
import UserErrors

/// Descriptions of some of a dictionary's features.
///
/// Files hold one JSON object a line, `{"index": 5, "description": "..."}`. An index may be a string, as
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

    /// Reads files of descriptions, plain or compressed, one after another.
    ///
    /// - Parameters:
    ///   - count: of the dictionary's features.
    ///   - block: the block of the model that the dictionary's name says; a line of another one ("layer":
    ///     "5-res-jb") is refused. Nil asks nothing.
    /// - Throws: with the number of the line that cannot be used.
    public init(contentsOf files: [URL], count: Int, block: Int? = nil) throws {
        for file in files { try read(file, count: count, block: block) }
    }

    private mutating func read(_ url: URL, count: Int, block: Int?) throws {
        var lines = try FileLines(path: url.path, longest: Self.longestLine)
        while let line = try lines.next() {
            switch line {
            case .tooLong:
                throw Self.malformed(
                    url, lines.number, "is longer than \(Self.longestLine) bytes")
            case .bytes(let bytes):
                try add(Data(bytes), number: lines.number, of: url, count: count, block: block)
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
        _ line: Data, number: Int, of url: URL, count: Int, block: Int?
    ) throws {
        guard line.contains(where: { !Self.blanks.contains($0) }) else { return }
        let entry: Entry
        do { entry = try JSONDecoder().decode(Entry.self, checking: [UInt8](line)) } catch {
            throw Self.malformed(
                url, number, "is not {\"index\": a number, \"description\": \"...\"}")
        }
        guard (0..<count).contains(entry.index) else {
            throw Self.malformed(
                url, number,
                "describes feature \(entry.index) of a dictionary with \(count) features")
        }
        if let block, let source = entry.source, let named = DescriptionFiles.block(of: source),
            named != block
        {
            throw Self.malformed(
                url, number,
                "describes the source \(source.prefix(80).debugDescription), the dictionary is of block \(block)"
            )
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
        /// Neuronpedia's name of the dictionary, `5-res-jb`.
        let source: String?

        enum CodingKeys: String, CodingKey {
            case index, description
            case source = "layer"
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
            source = try? container.decode(String.self, forKey: .source)
            // The key must be there; null is no description.
            description =
                try container.decodeNil(forKey: .description)
                ? nil : container.decode(String.self, forKey: .description)
        }
    }
}
