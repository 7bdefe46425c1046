// SPDX-License-Identifier: Apache-2.0
// `writes` in heads/L{l}H{h}.json: the tokens a head raises and lowers, by the token it attends to.

import JSON
import Sampling

/// What a head writes from one key token.
public struct WritesPayload: Sendable {
    /// The key token as shown; nil: from all its edges.
    public var token: String?
    /// Edges that were averaged.
    public var count: Int
    public var meanAttention: Double
    public var promotes: [TokenWeight]
    public var suppresses: [TokenWeight]

    /// What a head writes from one key token.
    public init(
        token: String?, count: Int, meanAttention: Double,
        promotes: [TokenWeight], suppresses: [TokenWeight]
    ) {
        self.token = token
        self.count = count
        self.meanAttention = meanAttention
        self.promotes = promotes
        self.suppresses = suppresses
    }

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.key("token")
            if let token { json.string(token) } else { json.null() }
            json.member("count", count)
            json.member("mean_attention", meanAttention)
            json.key("promotes")
            json.weightedTokens(promotes)
            json.key("suppresses")
            json.weightedTokens(suppresses)
        }
    }
}

/// A direction that a head carries from key to query, as in `ov_directions`.
public struct DirectionPayload: Sendable {
    /// The tokens at both ends, the farthest first.
    public struct Ends: Sendable {
        public var high: [TokenWeight]
        public var low: [TokenWeight]

        /// The tokens at both ends.
        public init(high: [TokenWeight], low: [TokenWeight]) {
            self.high = high
            self.low = low
        }

        func write(to json: inout JSONWriter) {
            json.object { json in
                json.key("high")
                json.weightedTokens(high)
                json.key("low")
                json.weightedTokens(low)
            }
        }
    }

    /// The singular value, and its square over the sum of all squares.
    public var strength: Double
    public var share: Double
    /// By their embeddings, and by their logits.
    public var reads: Ends
    public var writes: Ends

    /// A direction that a head carries.
    public init(strength: Double, share: Double, reads: Ends, writes: Ends) {
        self.strength = strength
        self.share = share
        self.reads = reads
        self.writes = writes
    }

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("strength", strength)
            json.member("share", share)
            json.key("reads")
            reads.write(to: &json)
            json.key("writes")
            writes.write(to: &json)
        }
    }
}

extension JSONWriter {
    /// [{token, weight}, ...]
    mutating func weightedTokens(_ rows: [TokenWeight]) {
        array { json in
            for row in rows {
                json.object { json in
                    json.member("token", row.token)
                    json.member("weight", row.weight)
                }
            }
        }
    }
}
