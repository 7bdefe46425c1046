// SPDX-License-Identifier: Apache-2.0
// add_custom_sequence and delete_custom_sequence.

import DataTree
import Digests
import Foundation
import Hummingbird
import JSON
import Stages
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
        guard !body.text.isEmpty else { throw APIError.unprocessable("text is empty.") }
        let model = try model.ready(for: config)
        let id = Self.id(of: body.text, model, config)
        if let stored = try await sequences.sequence(id, of: head) { return Response(json: stored) }

        let tokens = try Self.tokens(of: body.text, model, config)
        let pattern = try await runner.pattern(
            of: head, on: tokens, model, config.sparsification)
        var json = JSONWriter()
        json.sequence(
            .custom(id), tokens: tokens.map(model.loaded.tokenizer.display), pairs: pattern.pairs,
            maxActivation: pattern.maxActivation, tokenIDs: tokens)
        return Response(json: try await sequences.add(json.bytes, as: id, to: head))
    }

    /// Removes a stored sequence.
    func delete(_ body: DeleteBody) async throws -> Response {
        let head = try tree.config().head(layer: body.layer, head: body.head)
        guard case .custom(let id)? = SequenceID(body.sequenceID) else {
            throw APIError.unprocessable(
                "sequence_id must be the id of a custom sequence, such as \"c3f09a61b2d7\".")
        }
        guard try await sequences.remove(id, from: head) else {
            throw APIError(
                .notFound, "Head \(head) has no custom sequence \(id); it may be deleted already.")
        }
        return .success
    }

    /// The same for the same text, model and way to begin a sequence.
    private static func id(of text: String, _ model: ReadyModel, _ config: TreeConfig) -> String {
        let hash = SHA256()
        hash.update("\(model.sha256) \(config.beginsSequences) ")
        hash.update(text)
        return "c" + hexadecimal(hash.finalize().prefix(6))
    }

    /// The ids that the pipeline would have made of the text, had sequences been long enough.
    private static func tokens(
        of text: String, _ model: ReadyModel, _ config: TreeConfig
    ) throws(APIError) -> [Int32] {
        let ends = model.loaded.sequenceEnds(bos: config.beginsSequences)
        let room = max(0, model.longestSequence - ends.prefix.count - ends.suffix.count)
        let ids = model.loaded.tokenizer.encode(text, limit: room + 1)
        guard ids.count <= room else {
            throw .unprocessable(
                "The text has more tokens than the \(room) that \(model.loaded.name) can take; shorten it."
            )
        }
        guard !ids.isEmpty else { throw .unprocessable("The text has no tokens.") }
        return ends.prefix + ids + ends.suffix
    }
}

extension Response {
    /// {"success": true}
    static var success: Response { Response(json: Array(#"{"success":true}"#.utf8)) }
}
