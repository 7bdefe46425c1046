// SPDX-License-Identifier: Apache-2.0
// status: which operations a page may offer, and how far the model is.

import DataTree
import Hummingbird
import JSON

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
            // Another string whenever something in the tree was changed.
            json.member("changes", tree.changes)
            json.key("operations")
            json.object { json in
                for (name, isAvailable) in operations {
                    json.member(name, isAvailable)
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
        // Most of them change the tree, or keep their answers in it.
        let writes = tree.isWritable
        let adds = hasModel && writes
        let explains = adds && attribution.isPrepared
        return [
            ("add_custom_sequence", adds), ("delete_custom_sequence", writes),
            ("save_umap_clusters", writes), ("save_note", writes), ("arrange_prompts", writes),
            ("add_prompt", adds), ("sequence_pattern", hasModel),
            ("attention_on_edge", hasModel),
            ("project_to_umap", adds && projection.isPrepared),
            ("qk_attributions", explains), ("ov_attributions", explains),
            ("ask_head", adds), ("start_lab_job", adds), ("lab_job", hasModel),
            ("cancel_lab_job", hasModel),
        ]
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
            json.member("state", state)
            if let detail {
                json.member("detail", detail)
            }
        }
    }
}
