// SPDX-License-Identifier: Apache-2.0
// The edges of the tree, as a forward pass knows them.

import Attribution
import DataTree

extension HeadEdge {
    /// The edge within its sequence.
    public init(_ edge: Edge) { self.init(edge.head, query: edge.query, key: edge.key) }
}
