// SPDX-License-Identifier: Apache-2.0
// The exact top sequences of a head, found while the corpus streams by.

import HeapModule

/// Keeps the `count` sequences with the largest activation; of equals those with the lower ids.
public struct TopSequences: Sendable {
    private struct Entry: Comparable, Sendable {
        let activation: Float
        let sequence: Int

        static func < (a: Entry, b: Entry) -> Bool {
            a.activation == b.activation
                ? a.sequence > b.sequence : a.activation < b.activation
        }
    }

    private let count: Int
    private var kept = Heap<Entry>()

    /// An empty list of at most `count` sequences.
    public init(count: Int) { self.count = count }

    /// Whether a sequence with this activation would be kept.
    public func admits(_ activation: Float, sequence: Int) -> Bool {
        guard kept.count == count else { return count > 0 }
        guard let weakest = kept.min else { return false }
        return Entry(activation: activation, sequence: sequence) > weakest
    }

    /// Offers a sequence.
    ///
    /// - Returns: whether it is kept for now, and the sequence that had to give way.
    public mutating func offer(
        _ activation: Float, sequence: Int
    ) -> (isKept: Bool, evicted: Int?) {
        guard admits(activation, sequence: sequence) else { return (false, nil) }
        let entry = Entry(activation: activation, sequence: sequence)
        guard kept.count == count else {
            kept.insert(entry)
            return (true, nil)
        }
        return (true, kept.replaceMin(with: entry).sequence)
    }

    /// The kept sequences, strongest first.
    public var sequences: [Int] { kept.unordered.sorted(by: >).map(\.sequence) }
}
