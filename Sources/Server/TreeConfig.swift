// SPDX-License-Identifier: Apache-2.0
// What the server needs to know of config.json.

import AttentionStats
import Foundation
import JSON
import Transformer

/// The heads of a tree and how its numbers were made.
struct TreeConfig: Sendable, Equatable {
    let heads: Set<HeadAddress>
    /// The hash of the model's files; nil in trees that do not say.
    let modelHash: String?
    /// Whether sequences begin with the tokenizer's own tokens.
    let beginsSequences: Bool
    /// How attention was thinned out.
    let sparsification: Sparsification

    /// Reads config.json.
    init(_ bytes: [UInt8]) throws(APIError) {
        let file: File
        do { file = try JSONDecoder().decode(File.self, checking: bytes) } catch {
            throw .broken("config.json in the data tree is not as expected; run make data again.")
        }
        heads = Set(
            file.heads.compactMap { pair in
                pair.count == 2 ? HeadAddress(layer: pair[0], head: pair[1]) : nil
            })
        let facts = file.pipeline_config
        modelHash = facts?.model_sha256
        beginsSequences = facts?.bos_token_id != -1
        let standard = Sparsification.standard
        sparsification = Sparsification(
            entriesPerRow: min(max(facts?.entries_per_row ?? standard.entriesPerRow, 1), 65_535),
            threshold: facts?.sparse_threshold ?? standard.threshold)
    }

    private struct File: Decodable {
        struct Facts: Decodable {
            let model_sha256: String?
            let bos_token_id: Int?
            let entries_per_row: Int?
            let sparse_threshold: Float?
        }
        let heads: [[Int]]
        let pipeline_config: Facts?
    }

    /// The head at an address of a request.
    func head(layer: Int, head: Int) throws(APIError) -> HeadAddress {
        let address = HeadAddress(layer: layer, head: head)
        guard heads.contains(address) else {
            throw .unprocessable(
                "There is no head \(address) in this tree; config.json lists its \(heads.count) heads."
            )
        }
        return address
    }
}

extension TreeStore {
    /// The tree's config.json.
    nonisolated func config() throws(APIError) -> TreeConfig {
        guard let bytes = try contents("config.json") else {
            throw APIError(.notFound, "There is no data tree yet; run make data.")
        }
        return try TreeConfig(bytes)
    }
}
