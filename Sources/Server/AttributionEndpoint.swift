// SPDX-License-Identifier: Apache-2.0
// qk_attributions and ov_attributions.

import Hummingbird

/// The two ways an edge is taken apart.
enum AttributionKind: String, Sendable, CaseIterable {
    case qk
    case ov
}

/// Takes an attention edge apart into pairs of features.
struct AttributionEndpoint: Sendable {
    let tree: TreeStore

    /// Checks the request and answers it.
    func attribute(_ kind: AttributionKind, _ body: EdgeBody) throws -> Response {
        _ = try tree.config().head(layer: body.layer, head: body.head)
        throw APIError.notImplemented(
            "\(kind.rawValue.uppercased()) attributions need a dictionary of features, and this server has none."
        )
    }
}
