// SPDX-License-Identifier: Apache-2.0
// Who does this? All heads of the model by their attention on an edge, from one forward pass.

import Synchronization
import Transformer
import UserErrors

/// Ranks heads by A[q,k], summed over all pairs of the queries and keys.
public struct RankQuestion: LabQuestion, Equatable {
    public static let kind = "rank"

    /// The head on whose page it is asked, and whose custom sequence it may be about.
    public var layer: Int?
    public var head: Int?
    public var prompt: PromptSource
    public var queries: [Mark]
    public var keys: [Mark]

    public var address: (layer: Int, head: Int)? {
        if let layer, let head { (layer, head) } else { nil }
    }
    public var sources: [PromptSource] { [prompt] }

    public struct Answer: Codable, Sendable, Equatable {
        public var tokens: [String]
        public var queries: [MarkedToken]
        public var keys: [MarkedToken]
        /// The strongest first; of equal ones the earlier.
        public var heads: [Head]
    }

    public struct Head: Codable, Sendable, Equatable {
        public var layer: Int
        public var head: Int
        /// The sum over all pairs.
        public var attention: Double
    }

    public func answer(in lab: Laboratory) throws -> Answer {
        guard !queries.isEmpty, !keys.isEmpty, queries.count * keys.count <= 10_000 else {
            throw UserError("queries and keys must be lists of marks, with at most 10000 pairs.")
        }
        let prompt = try lab.prompt(prompt)
        let (q, k) = (
            try queries.map { try $0.position(in: prompt) },
            try keys.map { try $0.position(in: prompt) }
        )
        let end = lab.description.isCausal ? (q + k).reduce(0, max) + 1 : prompt.ids.count
        let pass = try lab.pass(HeadSelection(allOf: lab.description), length: end)
        let sums = (0..<pass.workers).map { _ in
            EdgeSums(queries: q, keys: k, heads: pass.selection.heads.count)
        }
        try pass.run([prompt.ids[..<end]], visitors: sums)
        let heads = pass.selection.heads.enumerated().map { index, address in
            Head(
                layer: address.layer, head: address.head,
                attention: sums.reduce(0) { $0 + $1.sums[index] })
        }
        return Answer(
            tokens: prompt.tokens, queries: q.map { MarkedToken($0, of: prompt) },
            keys: k.map { MarkedToken($0, of: prompt) },
            heads: heads.enumerated().sorted {
                ($1.element.attention, $0.offset) < ($0.element.attention, $1.offset)
            }.map(\.element))
    }
}

/// Adds up the attention of every head on some edges of one sequence.
private final class EdgeSums: AttentionVisitor {
    private let queries: [Int]
    private let keys: [Int]
    /// By the head's index in the selection.
    private(set) var sums: [Double]

    init(queries: [Int], keys: [Int], heads: Int) {
        self.queries = queries
        self.keys = keys
        sums = [Double](repeating: 0, count: heads)
    }

    func needsOutput(ofSequence sequence: Int) -> Bool { false }
    func enter(_ layer: LayerView) {}
    func attend(_ block: ScoreBlock) { block.softmax() }

    func finish(_ head: HeadView) {
        for query in queries {
            let visible = head.visibleKeys(of: query)
            for key in keys where visible.contains(key) {
                sums[head.headIndex] += Double(
                    head.attention[query * head.attentionStride + key])
            }
        }
    }
}
