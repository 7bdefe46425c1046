// SPDX-License-Identifier: Apache-2.0
// The width and the sparsity of a dictionary, as publishers name them, and which of several one is meant.

import Foundation

/// How many features a dictionary has and how many of them fire at a token, as far as names or configurations say.
struct DictionarySize: Sendable, Equatable, CustomStringConvertible {
    /// Number of features: `16k`, or `24576`.
    let width: String?
    /// Features that fire at a token: `71`, or `small`.
    let l0: String?

    /// What the names of folders say (`width_16k`, `average_l0_71`, `W32K-L0_50`), else these numbers.
    init(names: [String], width: Int? = nil, l0: Int? = nil) {
        self.width =
            Self.last(of: names, #"(?:width_|-W)([0-9]+[kKmM]?)(?![0-9a-zA-Z])"#)
            ?? width.map(String.init)
        self.l0 = Self.last(of: names, #"[lL]0_([0-9]+|[a-z]+)"#) ?? l0.map(String.init)
    }

    var description: String {
        [width.map { "width \($0)" }, l0.map { "L0 \($0)" }].compactMap { $0 }
            .joined(separator: ", ")
    }

    /// What the pattern's group finds in the nearest folder's name that has it.
    private static func last(of names: [String], _ pattern: String) -> String? {
        guard let expression = try? NSRegularExpression(pattern: pattern) else { return nil }
        for name in names.reversed() {
            let whole = NSRange(name.startIndex..., in: name)
            if let match = expression.firstMatch(in: name, range: whole),
                let range = Range(match.range(at: 1), in: name)
            {
                return String(name[range])
            }
        }
        return nil
    }
}

/// Which of several dictionaries for one layer is meant, and where its features are described.
public struct DictionaryChoice: Sendable, Equatable {
    /// Number of features: 16k, 16384; nil takes any.
    public var width: String?
    /// Features that fire at a token, or the publisher's word for it: 71, small; nil takes any.
    public var l0: String?
    /// A file or folder of descriptions; nil looks beside the dictionary.
    public var descriptions: URL?

    public init(width: String? = nil, l0: String? = nil, descriptions: URL? = nil) {
        (self.width, self.l0, self.descriptions) = (width, l0, descriptions)
    }

    /// Whether a dictionary of this size can be meant.
    func allows(_ size: DictionarySize) -> Bool {
        func agree(_ wanted: String?, _ has: String?) -> Bool {
            guard let wanted else { return true }
            guard let has else { return false }
            return wanted.lowercased() == has.lowercased()
                || !Self.counts(wanted).isDisjoint(with: Self.counts(has))
        }
        return agree(width, size.width) && agree(l0, size.l0)
    }

    /// The numbers that a word can stand for: 16k is 16,000 or 16,384.
    private static func counts(_ word: String) -> Set<Int> {
        let digits = word.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), number < 1 << 32 else { return [] }
        switch word.dropFirst(digits.count).lowercased() {
        case "": return [number]
        case "k": return [number * 1000, number << 10]
        case "m": return [number * 1_000_000, number << 20]
        default: return []
        }
    }

    /// For messages: what was asked for.
    var words: String {
        [width.map { "width \($0)" }, l0.map { "L0 \($0)" }].compactMap { $0 }
            .joined(separator: " and ")
    }
}
