// SPDX-License-Identifier: Apache-2.0
// add_prompt, arrange_prompts, sequence_pattern and attention_on_edge: one forward pass for all heads of the tree.

import AttentionStats
import DataTree
import Foundation
import Hummingbird
import JSON
import Transformer

/// {text, name?}
struct PromptBody: Decodable {
    let text: String
    let name: String?
}

/// {prompts: [{sequence_id, name}, ...]}: all that shall be there, in order.
struct ArrangementBody: Decodable {
    struct Prompt: Decodable {
        let sequence_id: String
        let name: String
    }
    let prompts: [Prompt]
    /// Those that the client knew of: others stay, whoever added them.
    let known: [String]
}

/// {layer, head, seq_idx}
struct SequenceBody: Decodable {
    let layer: Int
    let head: Int
    let seq_idx: SequenceID
}

/// Runs prompts for all heads of the tree at once, and tells of every head what it does on one sequence.
struct PromptEndpoints: Sendable {
    let tree: TreeStore
    let sequences: StoredSequences
    let model: ModelHost
    let runner: HeadRunner

    /// Tokens times heads of a prompt: their thinned-out attention takes some 64 bytes each.
    private static let mostRows = 1 << 20
    /// Prompts a tree can hold.
    private static let mostPrompts = 1000
    /// Bytes of a name.
    private static let longestName = 200

    /// Runs a text for all heads, stores what they do, and lists it first; the same text again is only looked up.
    func add(_ body: PromptBody) async throws -> Response {
        let config = try tree.config()
        let model = try model.ready(for: config)
        let prompt = try PromptText(body.text, model, config)
        let name = try Self.checked(body.name ?? "")
        if let stored = try stored(prompt.id, config) { return Response(json: stored) }
        let tokens = try prompt.tokens(atMost: Self.mostRows / max(1, config.heads.count))
        let heads = config.heads.sorted()
        let patterns = try await runner.patterns(
            of: heads, on: tokens.ids, model, config.sparsification)
        let files = PromptFiles(
            id: prompt.id, text: body.text, tokens: tokens,
            patterns: zip(heads, patterns).map { (head: $0, pattern: $1) })
        let listed = ListedPrompt(
            sequence_id: prompt.id, name: name, text: body.text, seq_len: tokens.ids.count,
            heads: heads.count)
        try await tree.changing { root in
            var index = try PromptIndex(try self.tree.contents(PromptIndex.path))
            let before = index.prompts.firstIndex { $0.sequence_id == listed.sequence_id }
            guard before != nil || index.prompts.count < Self.mostPrompts else {
                throw APIError.unprocessable(
                    "The tree holds \(Self.mostPrompts) prompts already; delete some.")
            }
            for (file, bytes) in files.files {
                try Self.write(bytes, to: "\(PromptFiles.folder(listed.sequence_id))/\(file)", root)
            }
            if let before {
                index.prompts[before] = listed
            } else {
                index.prompts.insert(listed, at: 0)
            }
            try Self.write(index.json, to: PromptIndex.path, root)
        }
        return Response(json: files.headsJSON)
    }

    /// Puts the prompts into an order, with names; those the client knew of and left out are deleted.
    func arrange(_ body: ArrangementBody) async throws -> Response {
        var wanted: [String: Int] = [:]
        for (place, prompt) in body.prompts.enumerated() {
            _ = try Self.checked(prompt.name)
            wanted[prompt.sequence_id] = place
        }
        let (places, known) = (wanted, Set(body.known))
        return try await tree.changing { root in
            let there = try PromptIndex(try self.tree.contents(PromptIndex.path))
            let kept = there.prompts.filter {
                places[$0.sequence_id] != nil || !known.contains($0.sequence_id)
            }
            // What is new to the client stands first, as where it was added.
            let sorted = kept.sorted {
                places[$0.sequence_id] ?? -1 < places[$1.sequence_id] ?? -1
            }
            var index = PromptIndex()
            index.prompts = sorted.map { prompt in
                var prompt = prompt
                if let place = places[prompt.sequence_id] { prompt.name = body.prompts[place].name }
                return prompt
            }
            try Self.write(index.json, to: PromptIndex.path, root)
            for prompt in there.prompts where !kept.contains(prompt) {
                // No longer listed, so it is gone whatever becomes of its files.
                try? FileManager.default.removeItem(
                    at: root.appending(path: PromptFiles.folder(prompt.sequence_id)))
            }
            return Response(json: index.json)
        }
    }

    /// What one head does on a sequence of the corpus or a prompt, whether the tree stores it or not; nothing is stored.
    func pattern(_ body: SequenceBody) async throws -> Response {
        let config = try tree.config()
        let head = try config.head(layer: body.layer, head: body.head)
        let model = try model.ready(for: config)
        let tokens = try await sequences.tokens(of: body.seq_idx, head, config)
        let pattern = try await runner.pattern(
            of: head, on: tokens.ids, model, config.sparsification)
        var json = JSONWriter()
        json.sequence(
            body.seq_idx, tokens: tokens.display, pairs: pattern.pairs,
            maxActivation: pattern.maxActivation)
        return Response(json: json.bytes)
    }

    /// A[query, key] of every head of the tree on one edge, none left out: `layer` and `head` say where a custom sequence
    /// is stored.
    func attention(_ body: EdgeBody) async throws -> Response {
        let config = try tree.config()
        let head = try config.head(layer: body.layer, head: body.head)
        let model = try model.ready(for: config)
        let tokens = try await sequences.tokens(of: body.edge(of: head), config)
        let heads = config.heads.sorted()
        let attention = try await runner.attention(
            of: heads, query: body.query, key: body.key, on: tokens.ids, model)
        var json = JSONWriter()
        json.object { json in
            json.key("heads")
            json.array { json in
                for (head, value) in zip(heads, attention) {
                    json.object { json in
                        json.member("layer", head.layer)
                        json.member("head", head.head)
                        json.member("attention", value)
                    }
                }
            }
        }
        return Response(json: json.bytes)
    }

    /// heads.json of a prompt that is listed and was run for these heads; nil otherwise.
    private func stored(_ id: String, _ config: TreeConfig) throws -> [UInt8]? {
        let index = try PromptIndex(try tree.contents(PromptIndex.path))
        guard index.prompts.contains(where: { $0.sequence_id == id }),
            let bytes = try tree.contents(PromptFiles.headsPath(id)),
            let file = try? JSONDecoder().decode(StoredHeads.self, checking: bytes),
            Set(file.heads.map { HeadAddress(layer: $0.layer, head: $0.head) }) == config.heads
        else { return nil }
        return bytes
    }

    private struct StoredHeads: Decodable {
        struct Head: Decodable {
            let layer: Int
            let head: Int
        }
        let heads: [Head]
    }

    private static func checked(_ name: String) throws(APIError) -> String {
        guard name.utf8.count <= longestName else {
            throw .unprocessable("A prompt's name has at most \(longestName) bytes.")
        }
        return name
    }

    private static func write(_ bytes: [UInt8], to path: String, _ root: URL) throws {
        do { try DurableFile.replace(root.appending(path: path), with: bytes) } catch {
            throw APIError.broken("\(error)")
        }
    }
}

extension PromptIndex {
    init() { prompts = [] }
}
