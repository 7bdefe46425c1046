// SPDX-License-Identifier: Apache-2.0
// `similar` and `similar_weights` in heads/L{l}H{h}.json: which heads are like one.

import JSON

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
