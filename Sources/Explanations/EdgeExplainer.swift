// SPDX-License-Identifier: Apache-2.0
// From edges of sequences to what dictionaries explain of them: one pass, and both ways to take an edge apart.

import Attribution
import DataTree
import Synchronization
import Tensors
import Transformer

/// What the dictionaries of its layer explain of one edge.
public struct ExplainedEdge: Sendable {
    /// Into pairs of features of the residual stream; none without a dictionary of it.
    public var attributions: [AttributionKind: EdgeAttribution] = [:]
    /// What the head writes, by a dictionary of the heads' outputs; nil without one.
    public var written: WrittenFeatures?
}

/// Takes edges apart with the dictionaries of their layers.
public struct EdgeExplainer {
    private let model: Model
    private let layers: [Int: LayerDictionaries]
    private let kinds: [AttributionKind]

    /// - Parameters:
    ///   - layers: the dictionaries, by layer, of all edges that will be asked for.
    ///   - kinds: what is wanted of every edge, as far as its dictionaries explain it.
    public init(
        _ model: Model, _ layers: [Int: LayerDictionaries], kinds: [AttributionKind]
    ) {
        (self.model, self.layers, self.kinds) = (model, layers, kinds)
    }

    /// Explains edges from one pass over their sequences.
    ///
    /// - Parameters:
    ///   - edges: for each sequence; positions within it.
    ///   - makePass: gets the heads that the pass must show and the room that it needs for a sequence.
    /// - Returns: for each sequence its edges' explanations, in their order.
    /// - Throws: what `makePass` throws, and when a head cannot be taken apart exactly, with why.
    public func explain(
        _ edges: [[HeadEdge]], on sequences: [ArraySlice<Int32>],
        makePass: (_ heads: HeadSelection, _ length: Int) throws -> ForwardPass
    ) throws -> [[ExplainedEdge]] {
        let all = edges.flatMap { $0 }
        let weights = try weights(of: all)
        let seen = zip(sequences, edges).map(visible)
        let pass = try makePass(
            model.heads(observing: all, wholeLayers: wholeLayers), seen.map(\.count).max() ?? 1)
        let observations = try pass.observe(edges, on: seen, wholeLayers: wholeLayers)
        let explained = try explain(
            observations.flatMap { $0 }, weights, workers: pass.workers)
        var next = 0
        return edges.map { edges in
            defer { next += edges.count }
            return Array(explained[next..<next + edges.count])
        }
    }

    /// Layers whose heads' outputs the pass has to show.
    private var wholeLayers: Set<Int> {
        kinds.contains(.ov) ? layers.values.reduce(into: []) { $0.formUnion($1.wholeLayers) } : []
    }

    /// What comes after its edges changes nothing in a sequence if the model only looks back.
    private func visible(_ tokens: ArraySlice<Int32>, _ edges: [HeadEdge]) -> ArraySlice<Int32> {
        let last = edges.lazy.map { max($0.query, $0.key) }.max() ?? 0
        return model.description.isCausal ? tokens.prefix(last + 1) : tokens
    }

    /// Of the heads whose layers have a dictionary of the residual stream.
    private func weights(of edges: [HeadEdge]) throws -> [HeadAddress: HeadWeights] {
        var weights: [HeadAddress: HeadWeights] = [:]
        for head in Set(edges.map(\.head)) where layers[head.layer]?.residual != nil {
            weights[head] = try HeadWeights(head, of: model)
        }
        return weights
    }

    private func explain(
        _ observations: [EdgeObservation], _ weights: [HeadAddress: HeadWeights], workers: Int
    ) throws -> [ExplainedEdge] {
        let results = Mutex([ExplainedEdge](repeating: ExplainedEdge(), count: observations.count))
        let failure = Mutex<(any Error)?>(nil)
        share(observations.count, among: workers) { _, i in
            do {
                let explained = try explain(observations[i], weights)
                results.withLock { $0[i] = explained }
            } catch { failure.withLock { $0 = error } }
        }
        if let error = failure.withLock({ $0 }) { throw error }
        return results.withLock { $0 }
    }

    private func explain(
        _ observation: EdgeObservation, _ weights: [HeadAddress: HeadWeights]
    ) throws -> ExplainedEdge {
        let head = observation.edge.head
        guard let layer = layers[head.layer] else { return ExplainedEdge() }
        let circuit = try weights[head].map {
            try HeadCircuit($0, of: model.description, at: observation)
        }
        var explained = ExplainedEdge()
        if let attributor = layer.attributor(circuit, at: observation) {
            for kind in kinds { explained.attributions[kind] = attributor.attribution(kind) }
        }
        if kinds.contains(.ov) { explained.written = layer.written(at: observation) }
        return explained
    }
}

extension HeadEdge {
    /// The edge within its sequence.
    public init(_ edge: Edge) { self.init(edge.head, query: edge.query, key: edge.key) }
}
