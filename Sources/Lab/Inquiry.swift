// SPDX-License-Identifier: Apache-2.0
// A question with its prompts read: what has to be seen of forward passes, and what is made of that.

import Attribution
import Transformer
import UserErrors

/// What answers a question. Nothing has run yet, so that questions can share passes.
public struct Inquiry<Answer> {
    /// In any order; each is one sequence of a batch.
    var looks: [Look]
    /// Gets what was found by each look.
    var answer: (_ found: [Finding]) throws -> Answer
}

/// One look into a forward pass.
struct Look {
    /// What is kept of it.
    enum Kept {
        /// Everything that was seen, for as long as the question is being answered.
        case all
        /// Numbers, which a progress file can hold too. The name says what they are, and is another for others.
        case numbers(_ name: String, _ of: (SequenceObservation) -> [Float])
    }

    var request: SequenceRequest
    var kept = Kept.all
}

/// What was found by a look.
enum Finding {
    case seen(SequenceObservation)
    case numbers([Float])

    /// The numbers; none of a look that keeps all.
    var numbers: [Float] {
        if case .numbers(let numbers) = self { numbers } else { [] }
    }

    /// All that was seen.
    ///
    /// - Precondition: of a look that keeps all.
    var seen: SequenceObservation {
        guard case .seen(let seen) = self else { preconditionFailure("only numbers were kept") }
        return seen
    }
}

extension Look {
    /// Edges of one head in one prompt, of which numbers are kept.
    static func edges(
        _ head: HeadAddress, _ ids: [Int32], _ edges: [(query: Int, key: Int)], _ name: String,
        _ numbers: @escaping ([EdgeObservation]) -> [Float]
    ) -> Look {
        var request = SequenceRequest(ids[...])
        request.edges = edges.map { HeadEdge(head, query: $0.query, key: $0.key) }
        return Look(request: request, kept: .numbers(name) { numbers($0.edges) })
    }

    /// Attention and score of edges.
    static func attention(
        of head: HeadAddress, _ ids: [Int32], _ edges: [(query: Int, key: Int)]
    ) -> Look {
        .edges(head, ids, edges, "attention") { seen in
            seen.flatMap { [$0.attention, $0.score ?? .nan] }
        }
    }
}

extension Finding {
    /// Attention and score of the `edge`-th edge; no score where the query does not see the key.
    func attention(_ edge: Int) -> (attention: Float, score: Float?) {
        let score = numbers[2 * edge + 1]
        return (numbers[2 * edge], score.isNaN ? nil : score)
    }
}
