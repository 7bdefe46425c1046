// SPDX-License-Identifier: Apache-2.0
// Which sequence is meant, in files, their names and requests.

import JSON

/// A sequence of the corpus, by its number, or a custom one, by its id.
public enum SequenceID: Hashable, Sendable, LosslessStringConvertible {
    case corpus(Int)
    /// "c" and hexadecimal digits.
    case custom(String)

    /// Reads "12" and "c3f09a61b2d7"; nil for anything else, so that an id is safe in a file name.
    public init?(_ text: String) {
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

    public var description: String {
        switch self {
        case .corpus(let number): String(number)
        case .custom(let id): id
        }
    }

    /// Writes it as the files of the tree have it: a number, or a string.
    public func write(to json: inout JSONWriter) {
        switch self {
        case .corpus(let number): json.int(number)
        case .custom(let id): json.string(id)
        }
    }
}

extension SequenceID: Decodable {
    /// Reads a number, or a string of either kind.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text =
            if let number = try? container.decode(Int.self) { String(number) } else {
                try container.decode(String.self)
            }
        guard let id = SequenceID(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription:
                    "must be the number of a sequence or the id of a custom one, such as \"12\" or \"c3f09a61b2d7\""
            )
        }
        self = id
    }
}
