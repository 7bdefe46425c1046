// SPDX-License-Identifier: Apache-2.0
// Sequences that share a forward pass though different things are to be seen of them.

import Transformer
import UserErrors

/// What is to be seen of one sequence.
public struct SequenceRequest: Sendable {
    /// The sequence's ids.
    public var tokens: ArraySlice<Int32>
    /// Edges of any heads.
    public var edges: [HeadEdge] = []
    /// Positions at which the residual stream is followed; none where it is not.
    public var followed: [Int] = []
    /// The stream is followed until this layer's heads have read it; nil: as far as the pass runs.
    public var through: Int?
    /// Heads that are told apart in what is followed, and whose attention is summed.
    public var heads = HeadSelection([])
    /// Queries and keys: attention is summed over all pairs of them, for each of `heads`.
    public var summed: (queries: [Int], keys: [Int]) = ([], [])

    /// Sees nothing of these tokens yet.
    public init(_ tokens: ArraySlice<Int32>) { self.tokens = tokens }

    /// The heads that a pass must show for it.
    public func selection(of model: Model) -> HeadSelection {
        guard !edges.isEmpty else { return heads }
        let observed = model.heads(observing: edges)
        return heads.heads.isEmpty ? observed : HeadSelection(heads.heads + observed.heads)
    }

    /// The floats that hold what is seen.
    public func size(in model: ModelDescription) -> Int {
        let shapes = edges.map { model.shape(of: $0.head.layer) }
        let observed = shapes.reduce(0) { $0 + 2 * model.dModel + 2 * $1.dHead + $1.dValue }
        return observed + summed.queries.count
            + (followed.isEmpty
                ? 0
                : ResidualTrace.size(
                    positions: followed.count, length: tokens.count, through: heads, of: model))
    }
}

/// What was seen of one sequence.
public struct SequenceObservation {
    /// Of its edges, in their order.
    public let edges: [EdgeObservation]
    /// How its residual stream came about, where it was followed.
    public let trace: ResidualTrace?
    /// Attention of each of the request's heads, summed over all pairs; 0 where nothing was to be summed.
    public let sums: [Double]
}

extension ForwardPass {
    /// Runs sequences and sees of each what its request names.
    ///
    /// - Precondition: `selection` shows the heads of all requests, and `maxLength` has room for them.
    public func observe(_ requests: [SequenceRequest]) throws -> [SequenceObservation] {
        let watches = try requests.map { try SequenceWatch($0, of: model, selection) }
        try run(requests.map(\.tokens), visitors: watches)
        return watches.map(\.observation)
    }

    /// Runs sequences under the eyes of a watch for each.
    func run(_ sequences: [ArraySlice<Int32>], visitors watches: [SequenceWatch]) throws {
        let batch = BatchWatch(watches)
        try run(sequences, visitors: [BatchWatch](repeating: batch, count: workers))
    }
}

/// Hands what is shown of each sequence to the sequence's own watch.
///
/// A sequence is with one worker at a time, and workers meet between layers, so that all of them may share it.
private final class BatchWatch: AttentionVisitor {
    private let watches: [SequenceWatch]
    let followsResidual: Bool

    init(_ watches: [SequenceWatch]) {
        self.watches = watches
        followsResidual = watches.contains { $0.followsResidual }
    }

    func needsOutput(ofSequence sequence: Int) -> Bool { watches[sequence].needsOutput }
    func passed(_ step: ResidualStep) { watches[step.sequence].passed(step) }
    func enter(_ layer: LayerView) { watches[layer.sequence].enter(layer) }

    func attend(_ block: ScoreBlock) {
        watches[block.sequence].attend(block)
        block.softmax()
    }

    func finish(_ head: HeadView) { watches[head.sequence].finish(head) }
}

/// Watches one sequence.
final class SequenceWatch {
    private let edges: EdgeTap
    private let trace: ResidualTrace?
    private let sums: AttentionSums?
    private let heads: Set<HeadAddress>
    private let through: Int?
    /// Whether the last layer that is followed has been entered.
    private var isComplete = false

    init(
        _ request: SequenceRequest, of model: Model, _ selection: HeadSelection,
        wholeLayers layers: Set<Int> = []
    ) throws {
        edges = EdgeTap(request.edges, of: model, selection, wholeLayers: layers)
        trace =
            request.followed.isEmpty
            ? nil
            : try ResidualTrace(
                request.followed, length: request.tokens.count, through: request.heads,
                of: model.description)
        let (queries, keys) = request.summed
        sums =
            queries.isEmpty || keys.isEmpty
            ? nil : AttentionSums(queries: queries, keys: keys, heads: request.heads)
        heads = Set(request.heads.heads)
        through = request.through
    }

    /// What it has seen.
    var observation: SequenceObservation {
        SequenceObservation(
            edges: edges.observations, trace: trace,
            sums: sums?.values ?? [Double](repeating: 0, count: heads.count))
    }

    var followsResidual: Bool { trace != nil }
    var needsOutput: Bool { edges.needsOutput }

    func passed(_ step: ResidualStep) { if !isComplete { trace?.append(step) } }

    func enter(_ view: LayerView) {
        edges.enter(view)
        guard let trace, !isComplete else { return }
        if view.layer == through {
            isComplete = true
        } else if heads.contains(where: { $0.layer == view.layer }) {
            trace.begin(view)
        }
    }

    func attend(_ block: ScoreBlock) { edges.attend(block) }

    func finish(_ view: HeadView) {
        edges.finish(view)
        let head = HeadAddress(layer: view.layer, head: view.head)
        guard heads.contains(head) else { return }
        sums?.add(view, head)
        if !isComplete { trace?.take(view) }
    }
}

/// Adds up the attention of heads over pairs of queries and keys.
private final class AttentionSums {
    private let queries: [Int]
    private let keys: [Int]
    private let places: [HeadAddress: Int]
    /// By the head's place in the selection.
    private(set) var values: [Double]

    init(queries: [Int], keys: [Int], heads: HeadSelection) {
        self.queries = queries
        self.keys = keys
        places = Dictionary(uniqueKeysWithValues: heads.heads.enumerated().map { ($1, $0) })
        values = [Double](repeating: 0, count: heads.heads.count)
    }

    func add(_ view: HeadView, _ head: HeadAddress) {
        guard let place = places[head] else { return }
        for query in queries {
            let visible = view.visibleKeys(of: query)
            for key in keys where visible.contains(key) {
                values[place] += Double(view.attention[query * view.attentionStride + key])
            }
        }
    }
}
