// SPDX-License-Identifier: Apache-2.0
// data/prompts: what every head of the tree does on a prompt, kept once for all of them.
//
//     prompts/index.json       {"prompts": [{sequence_id, name, text, seq_len, heads}, ...]} in the order people gave
//     prompts/ID/heads.json    {sequence_id, text, tokens, token_ids, seq_len, thumbnail_side,
//                               heads: [{layer, head, max_activation, <metrics>, thumbnail}, ...]}
//     prompts/ID/L5.json       {"tokens", "sequences": [{head, sequence_id, attention_indices, ...}, ...]} of a layer's heads
//
// The index is written last when a prompt is added, and first when one is deleted: what it does not list is not there.

import AttentionStats
import DataTree
import Foundation
import JSON
import Transformer

/// A prompt as the index lists it.
struct ListedPrompt: Codable, Sendable, Equatable {
    let sequence_id: String
    /// What people call it; may be empty.
    var name: String
    let text: String
    let seq_len: Int
    /// How many heads it was run for.
    let heads: Int
}

/// prompts/index.json
struct PromptIndex: Codable, Sendable {
    var prompts: [ListedPrompt] = []

    static let path = "prompts/index.json"

    /// Reads the file; there may be none yet.
    init(_ bytes: [UInt8]?) throws(APIError) {
        guard let bytes else { return }
        do { self = try JSONDecoder().decode(Self.self, checking: bytes) } catch {
            throw .broken("\(Self.path) is not a list of prompts; mend it or move it away.")
        }
    }

    var json: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.key("prompts")
            json.array { json in
                for prompt in prompts {
                    json.object { json in
                        json.member("sequence_id", prompt.sequence_id)
                        json.member("name", prompt.name)
                        json.member("text", prompt.text)
                        json.member("seq_len", prompt.seq_len)
                        json.member("heads", prompt.heads)
                    }
                }
            }
        }
        return json.bytes
    }
}

/// What the heads of a tree did on one prompt, as its files have it.
struct PromptFiles: Sendable {
    let id: String
    let text: String
    let tokens: SequenceTokens
    /// In the order of the heads.
    let patterns: [(head: HeadAddress, pattern: HeadPattern)]

    /// Thumbnails have at most so many cells a side.
    static let thumbnailSide = 32

    static func folder(_ id: String) -> String { "prompts/\(id)" }
    static func headsPath(_ id: String) -> String { "\(folder(id))/heads.json" }

    /// All files but the index, by their paths within the prompt's folder.
    var files: [(name: String, bytes: [UInt8])] {
        let layers = Dictionary(grouping: patterns) { $0.head.layer }
        return [("heads.json", headsJSON)]
            + layers.sorted { $0.key < $1.key }.map { ("L\($0.key).json", layerJSON($0.value)) }
    }

    /// heads.json
    var headsJSON: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("sequence_id", id)
            json.member("text", text)
            json.key("tokens")
            json.strings(tokens.display)
            json.key("token_ids")
            json.ints(tokens.ids.map(Int.init))
            json.member("seq_len", tokens.ids.count)
            json.member("thumbnail_side", side)
            json.key("heads")
            json.array { json in
                for (head, pattern) in patterns { write(head, pattern, to: &json) }
            }
        }
        return json.bytes
    }

    private func write(_ head: HeadAddress, _ pattern: HeadPattern, to json: inout JSONWriter) {
        json.object { json in
            json.member("layer", head.layer)
            json.member("head", head.head)
            json.member("max_activation", pattern.maxActivation)
            for (name, value) in pattern.metrics {
                json.member(name, value)
            }
            json.member("thumbnail", thumbnail(pattern))
        }
    }

    private var side: Int { min(tokens.ids.count, Self.thumbnailSide) }

    /// The stored attention made small: each cell the strongest of what lies in it, as a byte of 255 times the
    /// attention, row after row, in base64.
    private func thumbnail(_ pattern: HeadPattern) -> String {
        var cells = [UInt8](repeating: 0, count: side * side)
        for pair in pattern.pairs {
            let row = Int(pair.query) * side / tokens.ids.count
            let column = Int(pair.key) * side / tokens.ids.count
            let value = UInt8(min(255, max(0, pair.attention * 255)).rounded())
            cells[row * side + column] = max(cells[row * side + column], value)
        }
        return Data(cells).base64EncodedString()
    }

    private func layerJSON(_ patterns: [(head: HeadAddress, pattern: HeadPattern)]) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.key("tokens")
            json.strings(tokens.display)
            json.key("sequences")
            json.array { json in
                for (head, pattern) in patterns {
                    json.object { json in
                        json.member("head", head.head)
                        json.member("sequence_id", id)
                        json.attention(
                            pattern.pairs, length: tokens.ids.count,
                            maxActivation: pattern.maxActivation)
                    }
                }
            }
        }
        return json.bytes
    }
}

extension HeadPattern {
    /// Means over the queries of this one sequence, by the names that the tree's metrics of the same formula have.
    var metrics: [(name: String, value: Double)] {
        func mean(_ sum: Double, over count: Int) -> Double { count > 0 ? sum / Double(count) : 0 }
        return [
            ("self_attention_score", mean(sums.selfAttention, over: length)),
            ("previous_token_score", mean(sums.previousToken, over: length - 1)),
            ("pattern_entropy", mean(sums.entropy, over: length)),
            ("induction_score", mean(sums.induction, over: repeatedQueries)),
            ("duplicate_token_score", mean(sums.duplicateToken, over: repeatedQueries)),
            ("sink_score", mean(sums.sink, over: length)),
        ]
    }
}
