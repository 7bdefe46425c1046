// SPDX-License-Identifier: Apache-2.0
// project_to_umap: where an edge lies in a head's cloud.

import DataTree
import Foundation
import Hummingbird
import Transformer

/// Finds edges in a cloud, and places new ones in it.
struct ProjectionEndpoint: Sendable {
    let tree: TreeStore
    let work: URL
    let model: ModelHost
    let runner: HeadRunner

    /// Whether there is what the placing of new points needs, besides the model.
    var isPrepared: Bool {
        FileManager.default.fileExists(atPath: work.appending(path: "project.h5").path)
    }

    /// Finds the edge, or places it.
    func project(_ body: EdgeBody) async throws -> Response {
        let config = try tree.config()
        let head = try config.head(layer: body.layer, head: body.head)
        let cloud = try CloudFile(existing: try tree.contents(CloudFile.path(head)), of: head)
        if let answer = Self.found(body.identity, in: cloud) { return answer }
        throw APIError.notImplemented(
            "\(work.path)/project.h5 is missing, and new points need it; run make data.")
    }

    private static func found(_ edge: EdgeIdentity, in cloud: CloudFile) -> Response? {
        var json = JSONWriter()
        if let index = cloud.points.firstIndex(of: edge) {
            json.object { json in
                json.key("found_in_cloud")
                json.bool(true)
                json.key("existing_index")
                json.int(index)
            }
            return Response(json: json.bytes)
        }
        guard let index = cloud.projected.firstIndex(of: edge) else { return nil }
        json.object { json in
            json.key("found_in_cloud")
            json.bool(false)
            json.key("found_in_projected")
            json.bool(true)
            json.key("projected_index")
            json.int(index)
        }
        return Response(json: json.bytes)
    }
}
