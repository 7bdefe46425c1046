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

    /// For each studied head, which group it is of: heads of a group read the same keys and values. Groups count from 0 in
    /// the order of the heads.
    public func keyGroups(of model: ModelDescription) -> [Int] {
        var groups: [Int] = []
        for (index, head) in heads.enumerated() {
            func keys(_ head: HeadAddress) -> [Int] {
                [head.layer, model.shape(of: head.layer).kvHead(of: head.head)]
            }
            let isNew = index == 0 || keys(head) != keys(heads[index - 1])
            groups.append((groups.last ?? -1) + (isNew ? 1 : 0))
        }
        return groups
    }

    public static func == (a: HeadSelection, b: HeadSelection) -> Bool { a.heads == b.heads }
}
