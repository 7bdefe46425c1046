// SPDX-License-Identifier: Apache-2.0
// Which sequence a request means, and which edge of it.

import DataTree
import JSON

/// A sequence of the corpus or a custom one.
enum SequenceReference: Hashable, Sendable, Decodable, CustomStringConvertible {
    case corpus(Int)
    case custom(String)

    /// Reads "12" and "c3f09a61b2d7"; nil for anything else, so that a reference is safe in a file
    /// name.
    init?(_ text: String) {
        let isHexadecimal = text.utf8.dropFirst().allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x66).contains($0)
        }
        if text.utf8.first == UInt8(ascii: "c"), (2...65).contains(text.utf8.count), isHexadecimal {
            self = .custom(text)
        } else if text.utf8.count <= 10, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(text), String(number) == text
        {
            self = .corpus(number)
        } else {
            return nil
        }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text =
            if let number = try? container.decode(Int.self) { String(number) } else {
                try container.decode(String.self)
            }
        guard let reference = SequenceReference(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription:
                    "must be the number of a sequence or the id of a custom one, such as \"12\" or \"c3f09a61b2d7\""
            )
        }
        self = reference
    }

    var description: String {
        switch self {
        case .corpus(let number): String(number)
        case .custom(let id): id
        }
    }

    /// Writes it as the files of the tree have it.
    func write(to json: inout JSONWriter) {
        switch self {
        case .corpus(let number): json.int(number)
        case .custom(let id): json.string(id)
        }
    }
}

/// A query and a key of a sequence: who a point of a cloud is.
struct EdgeIdentity: Hashable, Sendable {
    let sequence: SequenceReference
    let query: Int
    let key: Int

    /// Writes [sequence, query, key].
    func write(to json: inout JSONWriter) {
        json.array { json in
            sequence.write(to: &json)
            json.int(query)
            json.int(key)
        }
    }
}

/// The tokens of a sequence.
struct SequenceTokens: Sendable {
    let ids: [Int32]
    /// For people, one a position.
    let display: [String]
}
