// SPDX-License-Identifier: Apache-2.0
// What a forward pass shows of single edges: everything that their attribution needs.

import Transformer

/// One entry of one head's attention pattern.
public struct HeadEdge: Hashable, Sendable {
    public var head: HeadAddress
    public var query: Int
    public var key: Int

    /// The edge from `key` to `query` in a head.
    public init(_ head: HeadAddress, query: Int, key: Int) {
        self.head = head
        self.query = query
        self.key = key
    }
}

/// An edge as it stood in a forward pass.
public struct EdgeObservation: Sendable {
    public let edge: HeadEdge
    /// The residual stream that enters the layer, at the query and at the key; [dModel] each.
    public fileprivate(set) var queryResidual: [Float] = []
    public fileprivate(set) var keyResidual: [Float] = []
    /// As they enter the score: after bias, norm and rotary; [dHead] each.
    public fileprivate(set) var q: [Float] = []
    public fileprivate(set) var k: [Float] = []
    /// At the key.
    public fileprivate(set) var v: [Float] = []
    /// What multiplies the head's output at the query before W_O, in models that gate it; empty otherwise.
    public fileprivate(set) var gate: [Float] = []
    /// As it enters the softmax; nil if the query does not see the key.
    public fileprivate(set) var score: Float?
    /// A[query, key].
    public fileprivate(set) var attention: Float = 0
    /// z of all heads of the layer at the query as W_O reads it, [nHeads dValue]; empty unless the model normalises
    /// what attention adds to the residual stream, or it was asked for.
    public fileprivate(set) var layerOutput: [Float] = []
    /// The keys that the query sees; none unless heads' outputs were asked for.
    public fileprivate(set) var visibleKeys = 0..<0
    /// What each of them adds to z of the head at the query, A[q,k] v after any gate; [visible keys, dValue].
    public fileprivate(set) var keyOutputs: [Float] = []
}

extension Model {
    /// The heads that a forward pass must show for these edges.
    ///
    /// - Parameter layers: those of which z of all heads is asked for.
    public func heads(
        observing edges: some Sequence<HeadEdge>, wholeLayers layers: Set<Int> = []
    ) -> HeadSelection {
        HeadSelection(
            Set(edges.map(\.head)).union(
                edges.lazy.map(\.head.layer).filter {
                    normalizesAttentionOutput || layers.contains($0)
                }.flatMap { layer in
                    (0..<description.shape(of: layer).nHeads).map {
                        HeadAddress(layer: layer, head: $0)
                    }
                }))
    }
}

extension ForwardPass {
    /// Runs sequences and looks at edges of them.
    ///
    /// - Parameters:
    ///   - edges: for each sequence; positions within it and heads that `selection` shows
    ///     (`Model.heads(observing:wholeLayers:)`).
    ///   - layers: those of which z of all heads, and of an edge's head key by key, is asked for.
    /// - Returns: for each sequence, what was seen of its edges, in their order.
    public func observe(
        _ edges: [[HeadEdge]], on sequences: [ArraySlice<Int32>], wholeLayers layers: Set<Int> = []
    ) throws -> [[EdgeObservation]] {
        precondition(edges.count == sequences.count)
        let watches = try zip(sequences, edges).map { tokens, edges in
            var request = SequenceRequest(tokens)
            request.edges = edges
            return try SequenceWatch(request, of: model, selection, wholeLayers: layers)
        }
        try run(sequences, visitors: watches)
        return watches.map(\.observation.edges)
    }
}

/// Copies what the forward pass shows of chosen edges of one sequence.
final class EdgeTap {
    /// By edge.
    private(set) var observations: [EdgeObservation]
    private let description: ModelDescription
    private let seesWholeLayers: Bool
    /// Layers whose heads' outputs are asked for.
    private let layers: Set<Int>
    private let selection: HeadSelection
    /// The edges of each layer.
    private let inLayer: [Int: [Int]]

    init(
        _ edges: [HeadEdge], of model: Model, _ selection: HeadSelection,
        wholeLayers layers: Set<Int> = []
    ) {
        self.selection = selection
        self.layers = layers
        observations = edges.map { EdgeObservation(edge: $0) }
        inLayer = Dictionary(grouping: edges.indices) { edges[$0].head.layer }
        description = model.description
        seesWholeLayers = model.normalizesAttentionOutput
    }

    /// Whether `finish` reads z.
    var needsOutput: Bool { seesWholeLayers || !layers.isEmpty }

    func enter(_ view: LayerView) {
        func row(_ position: Int) -> [Float] {
            Array(
                UnsafeBufferPointer(
                    start: view.residual + position * view.dModel, count: view.dModel))
        }
        for i in inLayer[view.layer] ?? [] {
            observations[i].queryResidual = row(observations[i].edge.query)
            observations[i].keyResidual = row(observations[i].edge.key)
        }
    }

    /// Reads scores; whoever calls turns them into attention afterwards.
    func attend(_ block: ScoreBlock) {
        for i in inLayer[block.layer] ?? [] {
            let edge = observations[i].edge
            if edge.head == selection.heads[block.headIndex], block.queries.contains(edge.query),
                block.visibleKeys(of: edge.query).contains(edge.key)
            {
                observations[i].score = block.row(edge.query)[edge.key]
            }
        }
    }

    func finish(_ view: HeadView) {
        let dValue = view.dValue
        func vector(
            _ start: UnsafePointer<Float>, _ stride: Int, _ position: Int, _ count: Int
        ) -> [Float] {
            Array(UnsafeBufferPointer(start: start + position * stride, count: count))
        }
        for i in inLayer[view.layer] ?? [] {
            let edge = observations[i].edge
            if seesWholeLayers || layers.contains(view.layer), view.z != nil {
                if observations[i].layerOutput.isEmpty {
                    observations[i].layerOutput = Array(
                        repeating: 0,
                        count: description.shape(of: view.layer).nHeads * dValue)
                }
                observations[i].layerOutput.replaceSubrange(
                    view.head * dValue..<(view.head + 1) * dValue,
                    with: view.vectors(
                        query: edge.query, key: edge.key, width: max(dValue, view.dHead)
                    ).z
                        .prefix(dValue))
            }
            guard edge.head.head == view.head else { continue }
            observations[i].q = vector(view.q, view.qkvStride, edge.query, view.dHead)
            observations[i].k = vector(view.k, view.qkvStride, edge.key, view.dHead)
            observations[i].v = vector(view.v, view.qkvStride, edge.key, dValue)
            if let gate = view.gate {
                observations[i].gate = vector(gate, view.zStride, edge.query, dValue)
            }
            if layers.contains(view.layer) {
                observations[i].visibleKeys = view.visibleKeys(of: edge.query)
                observations[i].keyOutputs = keyOutputs(view, edge.query)
            }
            if view.visibleKeys(of: edge.query).contains(edge.key) {
                observations[i].attention =
                    view.attention[edge.query * view.attentionStride + edge.key]
            }
        }
    }

    /// A[q,k] v of every key that the query sees, through the gate; [visible keys, dValue].
    private func keyOutputs(_ view: HeadView, _ query: Int) -> [Float] {
        let keys = view.visibleKeys(of: query)
        let gate = view.gate.map { $0 + query * view.zStride }
        let attention = view.attention + query * view.attentionStride
        return [Float](unsafeUninitializedCapacity: keys.count * view.dValue) { rows, count in
            for (row, key) in keys.enumerated() {
                let v = view.v + key * view.qkvStride
                for i in 0..<view.dValue {
                    rows[row * view.dValue + i] = attention[key] * v[i] * (gate?[i] ?? 1)
                }
            }
            count = keys.count * view.dValue
        }
    }
}
