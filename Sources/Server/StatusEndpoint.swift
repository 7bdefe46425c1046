// SPDX-License-Identifier: Apache-2.0
// status: which operations a page may offer, and how far the model is.

import DataTree
import Hummingbird

/// Tells what the server can do.
struct StatusEndpoint: Sendable {
    let tree: TreeStore
    let model: ModelHost
    let projection: ProjectionEndpoint
    let attribution: AttributionEndpoint

    var answer: Response {
        var json = JSONWriter()
        json.object { json in
            json.key("model")
            writeModel(&json)
            json.key("operations")
            json.object { json in
                for (name, isAvailable) in operations {
                    json.key(name)
                    json.bool(isAvailable)
                }
            }
        }
        return Response(json: json.bytes)
    }

    private var operations: [(String, Bool)] {
        let hasModel =
            switch model.state {
            case .loading, .ready: true
            case .none, .failed: false
            }
        let explains = hasModel && attribution.isPrepared
        let operations = [
            ("add_custom_sequence", hasModel), ("delete_custom_sequence", true),
            ("save_umap_clusters", true),
            ("project_to_umap", hasModel && projection.isPrepared),
            ("qk_attributions", explains), ("ov_attributions", explains),
        ]
        // All of them keep their answers in the tree.
        let isWritable = tree.isWritable
        return operations.map { ($0, $1 && isWritable) }
    }

    private func writeModel(_ json: inout JSONWriter) {
        let (name, state, detail): (String?, String, String?) =
            switch model.state {
            case .none(let sentence): (nil, "none", sentence)
            case .loading: (nil, "loading", nil)
            case .ready(let model): (model.loaded.name, "ready", nil)
            case .failed(let sentence): (nil, "failed", sentence)
            }
        json.object { json in
            json.key("name")
            if let name { json.string(name) } else { json.null() }
            json.key("state")
            json.string(state)
            if let detail {
                json.key("detail")
                json.string(detail)
            }
        }
    }
}
