// SPDX-License-Identifier: Apache-2.0
// One of the contiguous pieces into which a corpus is cut to be scanned by several runs.

import UserErrors

/// Piece `index` of `count`, from 1.
public struct Shard: Sendable, Equatable, Comparable, CustomStringConvertible {
    /// From 1 to `count`.
    public let index: Int
    /// How many pieces there are.
    public let count: Int

    /// More than anyone has machines, few enough to be named one by one.
    public static let limit = 10_000

    /// The shard of these numbers, or nil if there is none.
    public init?(_ index: Int, of count: Int) {
        guard (1...Self.limit).contains(count), (1...count).contains(index) else { return nil }
        self.index = index
        self.count = count
    }

    /// Reads "2/8".
    ///
    /// - Throws: when it is anything but two plain numbers with 1 <= i <= n <= `limit`.
    public init(parsing text: String) throws {
        let words = text.split(separator: "/", omittingEmptySubsequences: false)
        let numbers = words.compactMap { word in
            word.allSatisfy { $0.isASCII && $0.isNumber } ? Int(word) : nil
        }
        guard words.count == 2, numbers.count == 2, let shard = Shard(numbers[0], of: numbers[1])
        else {
            throw UserError(
                "it must be i/n with i from 1 to n and n at most \(Self.limit), such as 2/8")
        }
        self = shard
    }

    public var description: String { "\(index)/\(count)" }

    /// Whether it is the one that carries what belongs to the whole.
    public var isFirst: Bool { index == 1 }

    public static func < (a: Shard, b: Shard) -> Bool {
        (a.index, a.count) < (b.index, b.count)
    }

    /// The sequences of this piece; pieces have about equally many tokens, and may have none.
    ///
    /// - Parameter starts: where each sequence starts, and the end.
    public func sequences(of starts: [Int]) -> Range<Int> {
        let total = starts.last ?? 0
        func boundary(_ piece: Int) -> Int {
            // By quotient and remainder, as the product may not fit.
            let (quotient, remainder) = total.quotientAndRemainder(dividingBy: count)
            let token = quotient * piece + remainder * piece / count
            return starts.partitioningIndex { $0 >= token }
        }
        return boundary(index - 1)..<boundary(index)
    }
}

extension Array {
    /// The first index of which `isIn` holds, in an array in which it holds from some index on.
    fileprivate func partitioningIndex(_ isIn: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isIn(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
