// SPDX-License-Identifier: Apache-2.0
// Reading merges, from tokenizer.json, merges.txt and GGUF.

import JSON
import UserErrors

/// Merges by token strings.
struct MergeReader {
    private let vocabulary: Vocabulary
    private let prefix: [UInt8]

    init(_ vocabulary: Vocabulary, continuingPrefix: String) {
        self.vocabulary = vocabulary
        prefix = Array(continuingPrefix.utf8)
    }

    /// Merges as pairs of strings, or as strings of two tokens with a space between them.
    func merges(
        _ values: [JSONValue], name: String
    ) throws -> [BytePairModel.Merge] {
        var merges: [BytePairModel.Merge] = []
        merges.reserveCapacity(values.count)
        for (index, value) in values.enumerated() {
            switch value {
            case .string(let line): merges.append(try merge(line[...], name: "\(name)[\(index)]"))
            case .array(let pair):
                guard pair.count == 2, case .string(let left) = pair[0],
                    case .string(let right) = pair[1]
                else { throw UserError("\(name)[\(index)] must hold two strings.") }
                merges.append(try merge(left, right, name: "\(name)[\(index)]"))
            default: throw UserError("\(name)[\(index)] must be a pair of tokens.")
            }
        }
        return merges
    }

    /// A merge as "left right".
    func merge(
        _ line: Substring, name: @autoclosure () -> String
    ) throws -> BytePairModel.Merge {
        let parts = line.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 2, let left = String(parts[0]), let right = String(parts[1]) else {
            throw UserError("\(name()) must be two tokens with a space between them.")
        }
        return try merge(left, right, name: name())
    }

    private func merge(
        _ left: String, _ right: String, name: @autoclosure () -> String
    ) throws -> BytePairModel.Merge {
        guard let leftID = vocabulary.id(of: left), let rightID = vocabulary.id(of: right) else {
            let missing = vocabulary.id(of: left) == nil ? left : right
            throw UserError("\(name()) names \"\(missing)\", which is not in the vocabulary.")
        }
        // A continuing symbol's prefix goes when it is merged to what is before it.
        let joined = Array(left.utf8) + right.utf8.dropFirst(prefix.count)
        guard let result = vocabulary.table.id(of: joined) else {
            throw UserError(
                "\(name()) makes \"\(left)\(right)\", which is not in the vocabulary.")
        }
        return BytePairModel.Merge(left: leftID, right: rightID, result: result)
    }
}
