// SPDX-License-Identifier: Apache-2.0
// qk_attributions and ov_attributions.

import Attribution
import DataTree
import Explanations
import Hummingbird
import Transformer

/// Takes an attention edge apart into pairs of features, and keeps the answer in the tree.
struct AttributionEndpoint: Sendable {
    let tree: TreeStore
    let sequences: StoredSequences
    let work: WorkFolder
    let model: ModelHost
    let runner: HeadRunner
    let dictionaries: DictionaryShelf

    /// Whether some layer of the tree has a dictionary.
    var isPrepared: Bool {
        guard let config = try? tree.config() else { return false }
        return dictionaries.hasDictionary(for: Set(config.heads.map(\.layer)))
    }

    /// Answers from the tree, if what is there was made from the same model, dictionary and tokens; else
    /// computes the answer and stores it first.
    func attribute(_ kind: AttributionKind, _ body: EdgeBody) async throws -> Response {
        let config = try tree.config()
        let head = try config.head(layer: body.layer, head: body.head)
        let edge = body.edge(of: head)
        let name = (kind, edge)
        let cached = try tree.contents(StoredAttributions.path(name))
        let (model, layer): (ReadyModel, LayerDictionaries)
        do {
            model = try self.model.ready(for: config)
            layer = try await dictionaries.dictionaries(ofLayer: head.layer, for: kind, model)
        } catch let error as APIError where cached != nil && error.status == .notImplemented {
            // What was stored is all there is to say without them.
            return Response(json: cached ?? [])
        }
        let tokens = try await sequences.tokens(of: edge, config).ids
        let source = AttributionSource(layer, modelSHA256: model.sha256, tokens: tokens)
        if let cached, cached.starts(with: source.prefix) { return Response(json: cached) }

        let explained = try await runner.explanation(
            kind, of: HeadEdge(edge), on: tokens, model, layer)
        let answer = try await work.answer(kind, of: explained, source: source)
        try await tree.changing { try StoredAttributions($0).write([(name, answer)]) }
        return Response(json: answer)
    }
}
