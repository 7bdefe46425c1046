// SPDX-License-Identifier: Apache-2.0
// The tokens of the sequences that requests name.

import Transformer

/// Sequences of the corpus, from the scan, and custom ones, from the tree.
struct StoredSequences: Sendable {
    let custom: CustomSequenceStore
    let tree: TreeStore
    let work: WorkFolder

    /// The tokens of an edge's sequence, in which its positions lie.
    func tokens(
        of edge: EdgeIdentity, _ head: HeadAddress, _ config: TreeConfig
    ) async throws -> SequenceTokens {
        let tokens = try await tokens(of: edge.sequence, head, config)
        let positions = tokens.ids.indices
        guard positions.contains(edge.query), positions.contains(edge.key) else {
            throw APIError.unprocessable(
                "query_pos and key_pos must be from 0 to \(positions.count - 1) in sequence \(edge.sequence)."
            )
        }
        return tokens
    }

    /// The tokens of a sequence: of the corpus, of a prompt for all heads, or of this head alone.
    func tokens(
        of sequence: SequenceReference, _ head: HeadAddress, _ config: TreeConfig
    ) async throws -> SequenceTokens {
        switch sequence {
        case .corpus(let number): return try await work.tokens(of: number, config)
        case .custom(let id):
            if let prompt = try tree.contents(PromptFiles.headsPath(id)) {
                return try CustomSequences.tokens(of: prompt, id)
            }
            guard let sequence = try await custom.sequence(id, of: head) else {
                throw APIError(.notFound, "Head \(head) has no custom sequence \(id).")
            }
            return try CustomSequences.tokens(of: sequence, id)
        }
    }
}
