// SPDX-License-Identifier: Apache-2.0
// Which heads of a model are studied.

/// One attention head of a model.
public struct HeadAddress: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The block, from 0.
    public let layer: Int
    /// The query head within it, from 0.
    public let head: Int

    /// The head `head` of layer `layer`.
    public init(layer: Int, head: Int) {
        self.layer = layer
        self.head = head
    }

    /// `L5H1`, as in the names of the files about it.
    public var description: String { "L\(layer)H\(head)" }

    public static func < (a: HeadAddress, b: HeadAddress) -> Bool {
        (a.layer, a.head) < (b.layer, b.head)
    }
}

/// The studied heads, in order of layer and head.
public struct HeadSelection: Sendable, Equatable {
    /// Without duplicates, sorted.
    public let heads: [HeadAddress]
    /// Each layer's studied heads with their index in `heads`; empty for the others.
    private let byLayer: [[(head: Int, index: Int)]]

    /// The selection of these heads.
    public init(_ heads: some Sequence<HeadAddress>) {
        let sorted = Set(heads).sorted()
        self.heads = sorted
        var byLayer = Array(
            repeating: [(head: Int, index: Int)](), count: (sorted.last?.layer ?? -1) + 1)
        for (index, address) in sorted.enumerated() {
            byLayer[address.layer].append((address.head, index))
        }
        self.byLayer = byLayer
    }

    /// Every head of a model.
    public init(allOf model: ModelDescription) {
        self.init(
            model.attentionLayers.flatMap { layer in
                (0..<model.nHeads).map { HeadAddress(layer: layer, head: $0) }
            })
    }

    /// The deepest studied layer: nothing above it needs to be computed.
    public var lastLayer: Int { byLayer.count - 1 }

    /// The studied heads of a layer with their index in `heads`.
    public func inLayer(_ layer: Int) -> [(head: Int, index: Int)] {
        byLayer.indices.contains(layer) ? byLayer[layer] : []
    }

    public static func == (a: HeadSelection, b: HeadSelection) -> Bool { a.heads == b.heads }
}
