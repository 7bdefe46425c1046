// SPDX-License-Identifier: Apache-2.0
// What the visitors of one batch found, in slots that no two workers share.

/// What a scan found about one head on one sequence.
public struct HeadResult: Sendable {
    /// The sufficient statistics.
    public var sums = HeadSums()
    /// Attention mass by distance bin.
    public var massByDistance: [Float] = []
    /// All pairs of high attention outside row 0 and column 0, in row order.
    public var highPairs: [AttentionPair] = []
    /// The thinned-out attention matrix, where it was asked for.
    public var pattern: [AttentionPair]?
    /// What the head adds to logits, where that was asked for.
    var directLogits = DirectLogits()
    /// The square roots of the rows of the watched queries, for `Likeness`.
    public var rootRows: [Float] = []
    /// The strongest edges, for sequences of the pool.
    public var edges: StrongEdges?

    init() {}
}

/// The results of a batch: one slot for each sequence and studied head.
public final class BatchResults {
    /// Number of sequences in the batch.
    public let sequences: Int
    /// Number of studied heads.
    public let heads: Int
    private let slots: UnsafeMutablePointer<HeadResult>
    private let keys: UnsafeMutablePointer<KeyVectors>

    /// Empty slots.
    public init(sequences: Int, heads: Int) {
        self.sequences = sequences
        self.heads = heads
        slots = .allocate(capacity: sequences * heads)
        slots.initialize(repeating: HeadResult(), count: sequences * heads)
        keys = .allocate(capacity: sequences * heads)
        keys.initialize(repeating: KeyVectors(), count: sequences * heads)
    }

    deinit {
        slots.deinitialize(count: sequences * heads)
        slots.deallocate()
        keys.deinitialize(count: sequences * heads)
        keys.deallocate()
    }

    /// The slot of a sequence (by its index in the batch) and a head (by its index in the selection).
    public subscript(sequence: Int, head: Int) -> HeadResult {
        // The memory lives as long as the object, which the compiler cannot see from the pointer.
        get { withExtendedLifetime(self) { slots[sequence * heads + head] } }
        set { withExtendedLifetime(self) { slots[sequence * heads + head] = newValue } }
    }

    /// Gives up the lists of some heads and key groups; their sums stay.
    public func removeLists(ofHeads heads: Range<Int>, keyGroups: ClosedRange<Int>) {
        withExtendedLifetime(self) {
            for s in 0..<sequences {
                for head in heads {
                    let slot = s * self.heads + head
                    slots[slot].highPairs = []
                    slots[slot].pattern = nil
                    slots[slot].edges = nil
                }
                for group in keyGroups { keys[s * self.heads + group] = KeyVectors() }
            }
        }
    }

    /// The keys of the edges of a group of heads (there are no more than heads), on a sequence.
    public subscript(sequence: Int, keyGroup group: Int) -> KeyVectors {
        get { withExtendedLifetime(self) { keys[sequence * heads + group] } }
        _modify {
            defer { withExtendedLifetime(self) {} }
            yield &keys[sequence * heads + group]
        }
    }
}
