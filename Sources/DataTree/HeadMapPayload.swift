// SPDX-License-Identifier: Apache-2.0
// head_map.json: where the heads lie on maps of all of them.

import JSON

/// Coordinates of all heads of a tree.
public struct HeadMapPayload: Sendable {
    /// One map.
    public struct Layout: Sendable {
        public var name: String
        /// One or two sentences.
        public var about: String
        /// For each head x, y and z, the telling ones first.
        public var coordinates: [[Double]]
        /// [3]: how much each coordinate tells, 0 to 1.
        public var weights: [Double]

        /// One map.
        public init(
            name: String, about: String, coordinates: [[Double]], weights: [Double]
        ) {
            self.name = name
            self.about = about
            self.coordinates = coordinates
            self.weights = weights
        }
    }

    /// The heads, in the order of the coordinates.
    public var heads: [(layer: Int, head: Int)]
    public var layouts: [Layout]

    /// Coordinates of all heads of a tree.
    public init(heads: [(layer: Int, head: Int)], layouts: [Layout]) {
        self.heads = heads
        self.layouts = layouts
    }

    /// The file's bytes.
    public func json() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.key("heads")
            json.array { json in
                for head in heads { json.ints([head.layer, head.head]) }
            }
            json.key("maps")
            json.array { json in
                for layout in layouts {
                    json.object { json in
                        json.member("name", layout.name)
                        json.member("about", layout.about)
                        json.key("weights")
                        json.numbers(layout.weights)
                        json.key("coordinates")
                        json.array { json in for place in layout.coordinates { json.numbers(place) }
                        }
                    }
                }
            }
        }
        return json.bytes
    }
}
