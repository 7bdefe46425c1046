// SPDX-License-Identifier: Apache-2.0
// project_to_umap: where an edge lies in a head's cloud.

import DataTree
import Foundation
import Hummingbird
import JSON
import Transformer

/// Finds edges in a cloud, and places new ones in it.
struct ProjectionEndpoint: Sendable {
    let tree: TreeStore
    let sequences: StoredSequences
    let work: WorkFolder
    let model: ModelHost
    let runner: HeadRunner
    private let clouds = CloudCache()

    init(
        tree: TreeStore, sequences: StoredSequences, work: WorkFolder, model: ModelHost,
        runner: HeadRunner
    ) {
        self.tree = tree
        self.sequences = sequences
        self.work = work
        self.model = model
        self.runner = runner
    }

    /// Whether there is what the placing of new points needs, besides the model.
    var isPrepared: Bool { work.isComplete }

    /// Finds the edge, or places it and keeps it among the projected points.
    func project(_ body: EdgeBody) async throws -> Response {
        let config = try tree.config()
        let head = try config.head(layer: body.layer, head: body.head)
        let edge = body.edge(of: head)
        let cloud = try clouds.cloud(of: head, in: tree)
        if let answer = Self.found(edge, in: cloud) { return answer }

        let point = try await place(edge, config, cloud)
        return try await tree.update(CloudFile.path(head)) { bytes in
            let cloud = try CloudFile(existing: bytes, of: head)
            if let answer = Self.found(edge, in: cloud) { return (nil, answer) }
            return (try cloud.adding(projectedPoint: point), Self.placed(point))
        }
    }

    /// The edge as an entry of projected_points.
    private func place(
        _ edge: Edge, _ config: TreeConfig, _ cloud: CloudFile
    ) async throws -> [UInt8] {
        let model = try model.ready(for: config)
        let tokens = try await sequences.tokens(of: edge, config)
        guard !model.loaded.model.description.isCausal || edge.key <= edge.query else {
            throw APIError.unprocessable(
                "In head \(edge.head) query \(edge.query) does not see key \(edge.key); choose a key at or before the query."
            )
        }
        let vectors = try await runner.vectors(
            of: edge.head, query: edge.query, key: edge.key, on: tokens.ids, model)
        let placed = try await work.place(vectors, of: edge.head, in: cloud)
        return placed.json(edge, tokens: tokens.display)
    }

    private static func found(_ edge: Edge, in cloud: CloudFile) -> Response? {
        let index = cloud.points.firstIndex(of: edge)
        guard let place = index ?? cloud.projected.firstIndex(of: edge) else { return nil }
        var json = JSONWriter()
        json.object { json in
            json.member("found_in_cloud", index != nil)
            if index == nil {
                json.member("found_in_projected", true)
            }
            json.member(index != nil ? "existing_index" : "projected_index", place)
        }
        return Response(json: json.bytes)
    }

    private static func placed(_ point: [UInt8]) -> Response {
        var json = JSONWriter()
        json.object { json in
            json.member("found_in_cloud", false)
            json.member("found_in_projected", false)
            json.key("point")
            json.json(point)
        }
        return Response(json: json.bytes)
    }
}
