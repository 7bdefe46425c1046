// SPDX-License-Identifier: Apache-2.0
// Forward passes of single sequences for single heads, one after the other.

import AttentionStats
import Attribution
import Explanations
import FeatureDictionaries
import Foundation
import Transformer
import UserErrors

/// What a head does on a sequence, as the pipeline would have found it.
struct HeadPattern: Sendable {
    /// The thinned-out attention, in row order.
    let pairs: [AttentionPair]
    /// Sums over its queries, of all attention.
    let sums: HeadSums
    /// The sequence's number of tokens.
    let length: Int
    /// How many of them stood before.
    let repeatedQueries: Int

    var maxActivation: Float { sums.maxActivation }
}

/// A head's vectors at one edge of a sequence; each of the head's size.
struct EdgeVectors: Sendable, Equatable {
    /// At the query.
    var q: [Float] = []
    /// At the key.
    var k: [Float] = []
    /// At the key.
    var v: [Float] = []
    /// At the query: attention-weighted values before the output projection.
    var z: [Float] = []
    /// A[q,k].
    var attention: Float = 0
}

/// Runs forward passes away from the threads that answer requests.
actor HeadRunner {
    private nonisolated let executor = QueueExecutor("headvis.forward")
    private nonisolated let admission = Admission(limit: 256)
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    /// The last pass, for the next prompt to the same heads.
    private var last: (modelHash: String, pass: ForwardPass)?

    /// Passes with room for so many tokens, tens of megabytes, are kept for the next prompt.
    private static let keptLength = 1024

    /// A head's thinned-out attention on a sequence.
    nonisolated func pattern(
        of head: HeadAddress, on tokens: [Int32], _ model: ReadyModel,
        _ sparsification: Sparsification
    ) async throws -> HeadPattern {
        try await admission.admit {
            try await runPatterns([head], tokens, model, sparsification)[0]
        }
    }

    /// Several heads' thinned-out attention on a sequence, in one pass; parallel to the heads, which ascend.
    nonisolated func patterns(
        of heads: [HeadAddress], on tokens: [Int32], _ model: ReadyModel,
        _ sparsification: Sparsification
    ) async throws -> [HeadPattern] {
        try await admission.admit { try await runPatterns(heads, tokens, model, sparsification) }
    }

    /// Several heads' attention of one query to one key, in one pass; parallel to the heads, which ascend.
    nonisolated func attention(
        of heads: [HeadAddress], query: Int, key: Int, on tokens: [Int32], _ model: ReadyModel
    ) async throws -> [Float] {
        try await admission.admit { try await runAttention(heads, query, key, tokens, model) }
    }

    /// A head's vectors at one edge of a sequence.
    nonisolated func vectors(
        of head: HeadAddress, query: Int, key: Int, on tokens: [Int32], _ model: ReadyModel
    ) async throws -> EdgeVectors {
        try await admission.admit { try await runVectors(head, query, key, tokens, model) }
    }

    /// What the dictionaries of its layer explain of an edge, of the kind that is asked for.
    nonisolated func explanation(
        _ kind: AttributionKind, of edge: HeadEdge, on tokens: [Int32], _ model: ReadyModel,
        _ layer: LayerDictionaries
    ) async throws -> ExplainedEdge {
        try await admission.admit { try await runExplanation(kind, edge, tokens, model, layer) }
    }

    private func runExplanation(
        _ kind: AttributionKind, _ edge: HeadEdge, _ tokens: [Int32], _ model: ReadyModel,
        _ layer: LayerDictionaries
    ) throws -> ExplainedEdge {
        let explainer = EdgeExplainer(
            model.loaded.model, [edge.head.layer: layer], kinds: [kind])
        do {
            return try explainer.explain([[edge]], on: [tokens[...]]) { heads, length in
                try pass(for: heads, length: length, model)
            }[0][0]
        } catch let error as UserError {
            // That it cannot be taken apart, and why, is about what was asked for.
            throw APIError.unprocessable(error.description)
        }
    }

    private func runPatterns(
        _ heads: [HeadAddress], _ tokens: [Int32], _ model: ReadyModel,
        _ sparsification: Sparsification
    ) throws -> [HeadPattern] {
        let pass = try pass(for: HeadSelection(heads), length: tokens.count, model)
        var plan = ScanPlan(edgesPerSequence: 0, edgeRanking: .attention)
        plan.sparsification = sparsification
        let sequence = ScanSequence(id: 0, tokens: tokens[...], isInPool: false)
        let results = BatchResults(sequences: 1, heads: heads.count)
        let visitors = (0..<pass.workers).map { _ in ScanVisitor(plan, maxLength: pass.maxLength) }
        for visitor in visitors {
            visitor.begin([sequence], into: results) { _, _, _ in true }
        }
        try pass.run([tokens[...]], visitors: visitors)
        return heads.indices.map { head in
            let result = results[0, head]
            return HeadPattern(
                pairs: result.pattern ?? [], sums: result.sums, length: tokens.count,
                repeatedQueries: sequence.repeatedQueries)
        }
    }

    private func runAttention(
        _ heads: [HeadAddress], _ query: Int, _ key: Int, _ tokens: [Int32], _ model: ReadyModel
    ) throws -> [Float] {
        let pass = try pass(for: HeadSelection(heads), length: tokens.count, model)
        let visitors = (0..<pass.workers).map { _ in
            AttentionAtEdge(query: query, key: key, heads: heads.count)
        }
        try pass.run([tokens[...]], visitors: visitors)
        // Each head was finished by one of them; the others have 0.
        return heads.indices.map { head in visitors.reduce(0) { $0 + $1.attention[head] } }
    }

    private func runVectors(
        _ head: HeadAddress, _ query: Int, _ key: Int, _ tokens: [Int32], _ model: ReadyModel
    ) throws -> EdgeVectors {
        let pass = try pass(for: HeadSelection([head]), length: tokens.count, model)
        let visitors = (0..<pass.workers).map { _ in
            EdgeVisitor(
                query: query, key: key, width: model.loaded.model.description.largestDHead)
        }
        try pass.run([tokens[...]], visitors: visitors)
        guard let vectors = visitors.lazy.compactMap(\.vectors).first else {
            throw APIError.broken("The forward pass never reached head \(head).")
        }
        return vectors
    }

    private func pass(
        for heads: HeadSelection, length: Int, _ model: ReadyModel
    ) throws -> ForwardPass {
        let description = model.loaded.model.description
        let isThere = { (head: HeadAddress) in
            head.layer < description.nLayers && head.head < description.nHeads
        }
        if let missing = heads.heads.first(where: { !isThere($0) }) {
            throw APIError.notImplemented(
                "The model \(model.loaded.name) has no head \(missing); start serve with the --model of the scan."
            )
        }
        if let last, last.modelHash == model.sha256, last.pass.selection == heads,
            last.pass.maxLength >= length
        {
            return last.pass
        }
        last = nil
        let isKept = length <= Self.keptLength
        // Workers share the widening of weights; each has its own room for a sequence.
        let workers = isKept ? min(4, ProcessInfo.processInfo.activeProcessorCount) : 1
        let pass = try ForwardPass(
            model.loaded.model, selection: heads,
            maxLength: isKept ? min(max(256, length), model.longestSequence) : length,
            workers: workers)
        if isKept { last = (model.sha256, pass) }
        return pass
    }
}

/// Copies every head's attention at one edge.
private final class AttentionAtEdge: AttentionVisitor {
    private let query: Int
    private let key: Int
    /// By the head's index in the selection.
    private(set) var attention: [Float]

    init(query: Int, key: Int, heads: Int) {
        self.query = query
        self.key = key
        attention = Array(repeating: 0, count: heads)
    }

    func needsOutput(ofSequence sequence: Int) -> Bool { false }

    func enter(_ layer: LayerView) {}

    func attend(_ block: ScoreBlock) { block.softmax() }

    func finish(_ head: HeadView) {
        guard head.visibleKeys(of: query).contains(key) else { return }
        attention[head.headIndex] = head.attention[query * head.attentionStride + key]
    }
}

/// Copies one head's vectors at one edge.
private final class EdgeVisitor: AttentionVisitor {
    private let query: Int
    private let key: Int
    /// Of the cloud's vectors: that of the model's widest head.
    private let width: Int
    private(set) var vectors: EdgeVectors?

    init(query: Int, key: Int, width: Int) {
        self.width = width
        self.query = query
        self.key = key
    }

    func needsOutput(ofSequence sequence: Int) -> Bool { true }

    func enter(_ layer: LayerView) {}

    func attend(_ block: ScoreBlock) { block.softmax() }

    func finish(_ head: HeadView) {
        let found = head.vectors(query: query, key: key, width: width)
        let seen = head.visibleKeys(of: query).contains(key)
        // As the scan keeps them, so that an edge of the cloud falls on its own point.
        let (q, k, v, z) = (rounded(found.q), rounded(found.k), rounded(found.v), rounded(found.z))
        vectors = EdgeVectors(
            q: q, k: k, v: v, z: z,
            attention: seen ? head.attention[query * head.attentionStride + key] : 0)
    }

    private func rounded(_ vector: [Float]) -> [Float] {
        var halves = HalfVectors()
        halves.append(vector, vector.count, width: vector.count)
        return halves.widened(width: vector.count)
    }
}
