// SPDX-License-Identifier: Apache-2.0
// add_custom_sequence and delete_custom_sequence.

import DataTree
import Foundation
import Hummingbird
import Transformer

/// Runs prompts and keeps what heads do on them.
struct CustomSequenceEndpoints: Sendable {
    let tree: TreeStore
    let sequences: CustomSequenceStore
    let model: ModelHost
    let runner: HeadRunner

    /// Runs a text through the model up to a head, and stores the sequence unless it is stored already.
    func add(_ body: AddBody) async throws -> Response {
        let config = try tree.config()
        let head = try config.head(layer: body.layer, head: body.head)
        let model = try model.ready(for: config)
        let text = try PromptText(body.text, model, config)
        if let stored = try await sequences.sequence(text.id, of: head) {
            return Response(json: stored)
        }
        let tokens = try text.tokens()
        let pattern = try await runner.pattern(
            of: head, on: tokens.ids, model, config.sparsification)
        let payload = SequencePayload(
            id: .custom(text.id), interval: nil, tokens: tokens.display,
            attentionIndices: pattern.indices(length: tokens.ids.count),
            attentionValues: pattern.pairs.map(\.attention), maxActivation: pattern.maxActivation
        ).json(tokenIDs: tokens.ids)
        return Response(json: try await sequences.add(payload, as: text.id, to: head))
    }

    /// Removes a stored sequence.
    func delete(_ body: DeleteBody) async throws -> Response {
        let head = try tree.config().head(layer: body.layer, head: body.head)
        guard case .custom(let id)? = SequenceReference(body.sequenceID) else {
            throw APIError.unprocessable(
                "sequence_id must be the id of a custom sequence, such as \"c3f09a61b2d7\".")
        }
        guard try await sequences.remove(id, from: head) else {
            throw APIError(
                .notFound, "Head \(head) has no custom sequence \(id); it may be deleted already.")
        }
        return .success
    }
}

extension Response {
    /// {"success": true}
    static var success: Response { Response(json: Array(#"{"success":true}"#.utf8)) }
}
