// SPDX-License-Identifier: Apache-2.0
// Who does this? All heads of the model by their attention on an edge, from one forward pass.

import Attribution
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

    public func inquiry(in lab: Laboratory) throws -> Inquiry<Answer> {
        guard !queries.isEmpty, !keys.isEmpty, queries.count * keys.count <= 10_000 else {
            throw UserError("queries and keys must be lists of marks, with at most 10000 pairs.")
        }
        let prompt = try lab.prompt(prompt)
        let (q, k) = (
            try queries.map { try $0.position(in: prompt) },
            try keys.map { try $0.position(in: prompt) }
        )
        let end = lab.description.isCausal ? (q + k).reduce(0, max) + 1 : prompt.ids.count
        var request = SequenceRequest(prompt.ids[..<end])
        request.heads = HeadSelection(allOf: lab.description)
        request.summed = (q, k)
        let addresses = request.heads.heads
        return Inquiry(looks: [Look(request: request)]) { found in
            let heads = zip(addresses, found[0].seen.sums).map {
                Head(layer: $0.layer, head: $0.head, attention: $1)
            }
            return Answer(
                tokens: prompt.tokens, queries: q.map { MarkedToken($0, of: prompt) },
                keys: k.map { MarkedToken($0, of: prompt) },
                heads: heads.enumerated().sorted {
                    ($1.element.attention, $0.offset) < ($0.element.attention, $1.offset)
                }.map(\.element))
        }
    }
}
