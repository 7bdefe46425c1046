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

/// A head whose patterns are like another's, as in `similar` of heads/L{l}H{h}.json.
public struct SimilarHead: Sendable {
    public var layer: Int
    public var head: Int
    /// 0 to 1.
    public var likeness: Double
    /// nil where there is none.
    public var standardError: Double?

    /// A head whose patterns are like another's.
    public init(layer: Int, head: Int, likeness: Double, standardError: Double?) {
        self.layer = layer
        self.head = head
        self.likeness = likeness
        self.standardError = standardError
    }

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("layer", layer)
            json.member("head", head)
            json.member("likeness", likeness)
            json.member("standard_error", standardError)
        }
    }
}

/// A head whose weights are like another's, as in `similar_weights` of heads/L{l}H{h}.json.
public struct AlikeHead: Sendable {
    public var layer: Int
    public var head: Int
    /// Cosine of the two heads' W_Q^T W_K, -1 to 1.
    public var qk: Double
    /// Cosine of the two heads' W_V^T W_O.
    public var ov: Double

    /// A head whose weights are like another's.
    public init(layer: Int, head: Int, qk: Double, ov: Double) {
        self.layer = layer
        self.head = head
        self.qk = qk
        self.ov = ov
    }

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("layer", layer)
            json.member("head", head)
            json.member("qk", qk)
            json.member("ov", ov)
        }
    }
}
