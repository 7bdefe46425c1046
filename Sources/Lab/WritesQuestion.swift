// SPDX-License-Identifier: Apache-2.0
// What does a head write here? The tokens that its output at a position raises and lowers in the next token's logits.

import Attribution
import Transformer
import UserErrors
import WeightCircuits

/// The direct effect of a head's output at one position on the logits there, the scales of all norms on the way held, by the key that
/// it came from.
public struct WritesQuestion: LabQuestion, Equatable {
    public static let kind = "writes"

    public var layer: Int
    public var head: Int
    public var prompt: PromptSource
    public var query: Mark
    /// A single key, told beside those that weigh most.
    public var key: Mark?
    /// Tokens told at each end.
    public var count: Int?

    public var address: (layer: Int, head: Int)? { (layer, head) }
    public var sources: [PromptSource] { [prompt] }

    public struct Answer: Codable, Sendable, Equatable {
        public var tokens: [String]
        public var query: MarkedToken
        /// What the head adds from all keys.
        public var total: Written
        /// What it adds from single keys: the one asked for, then by how much is carried from them.
        public var keys: [Key]
    }

    /// Tokens by how far their logits are moved, above the mean over the vocabulary; before any soft cap.
    public struct Written: Codable, Sendable, Equatable {
        public var promotes: [Token]
        public var suppresses: [Token]
    }

    public struct Token: Codable, Sendable, Equatable {
        public var id: Int32
        public var text: String
        public var logit: Double
        /// What comes from each of `keys`, in their order; only of the total.
        public var byKey: [Double]?
    }

    public struct Key: Codable, Sendable, Equatable {
        public var position: Int
        public var text: String
        public var attention: Float
        public var written: Written
    }

    /// Keys that are told by themselves.
    private static let keysTold = 6
    private static let usualCount = 10

    public func inquiry(in lab: Laboratory) throws -> Inquiry<Answer> {
        let address = try lab.head(layer: layer, head: head)
        guard (1...200).contains(count ?? Self.usualCount) else {
            throw UserError("count must be from 1 to 200.")
        }
        guard let unembedding = try FoldedUnembedding(lab.model) else {
            throw UserError(
                "\(lab.loaded.name): its logits are no linear map of its last residual stream; ask another question, or another model."
            )
        }
        let prompt = try lab.prompt(prompt)
        let query = try query.position(in: prompt)
        let only = try key?.position(in: prompt)
        let end = lab.description.isCausal ? max(query, only ?? 0) + 1 : prompt.ids.count
        var request = SequenceRequest(prompt.ids[..<end])
        request.followed = [query]
        request.heads = lab.headsToEnd(from: address)
        return Inquiry(looks: [Look(request: request)]) { found in
            guard let trace = found[0].seen.trace else {
                preconditionFailure("the stream is followed")
            }
            return try answer(trace, prompt, query: query, only: only, unembedding, lab)
        }
    }

    private func answer(
        _ trace: ResidualTrace, _ prompt: Prompt, query: Int, only: Int?,
        _ unembedding: FoldedUnembedding, _ lab: Laboratory
    ) throws -> Answer {
        let address = HeadAddress(layer: layer, head: head)
        let writing = try trace.writing(of: address, row: 0, lab.model)
        let scale = unembedding.scale(at: trace.lastStream(row: 0))
        let count = count ?? Self.usualCount
        let told = Self.keys(of: writing, asked: only)
        let rows = [writing.total] + told.map(writing.row)
        let scaled = rows.map { $0.map { Float($0 * scale) } }
        let rankings = TokenRanking.of(
            scaled.flatMap { $0 }, by: unembedding, count: min(count, unembedding.dVocab),
            workers: lab.workers)
        func written(_ ranking: TokenRanking, byKey: Bool = false) -> Written {
            func tokens(_ list: [TokenRanking.Entry]) -> [Token] {
                list.map { entry in
                    Token(
                        id: entry.token, text: lab.loaded.tokenizer.display(entry.token),
                        logit: Double(entry.weight),
                        byKey: byKey
                            ? unembedding.logits(of: entry.token, scaled.dropFirst())
                                .enumerated().map { $1 - Double(rankings[$0 + 1].mean) } : nil)
                }
            }
            return Written(
                promotes: tokens(ranking.promotes), suppresses: tokens(ranking.suppresses))
        }
        return Answer(
            tokens: prompt.tokens, query: MarkedToken(query, of: prompt),
            total: written(rankings[0], byKey: true),
            keys: told.enumerated().map { i, position in
                Key(
                    position: position, text: prompt.tokens[position],
                    attention: writing.attention[position], written: written(rankings[i + 1]))
            })
    }

    /// The keys that are told by themselves: those whose rows are longest.
    private static func keys(of writing: HeadWriting, asked: Int?) -> [Int] {
        let lengths = writing.attention.indices.map { key in
            writing.attention[key] > 0 ? writing.row(key).reduce(0) { $0 + $1 * $1 } : 0
        }
        let strongest = lengths.indices.filter { lengths[$0] > 0 }
            .sorted { (lengths[$1], $0) < (lengths[$0], $1) }.prefix(keysTold)
        return (asked.map { [$0] } ?? []) + strongest.filter { $0 != asked }
    }
}

extension Laboratory {
    /// What must be seen of a pass that goes on to the end, to follow what a head writes.
    fileprivate func headsToEnd(from head: HeadAddress) -> HeadSelection {
        let own =
            model.normalizesAttentionOutput
            ? (0..<description.nHeads).map { HeadAddress(layer: head.layer, head: $0) } : [head]
        return HeadSelection(own + [HeadAddress(layer: description.nLayers - 1, head: 0)])
    }
}

extension FoldedUnembedding {
    /// A token's logit from each direction.
    fileprivate func logits(of token: Int32, _ directions: some Sequence<[Float]>) -> [Double] {
        var row = [Float](repeating: 0, count: dModel)
        row.withUnsafeMutableBufferPointer { row in
            guard let row = row.baseAddress else { return }
            read(Int(token)..<Int(token) + 1, into: row)
        }
        return directions.map { zip($0, row).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
    }
}
