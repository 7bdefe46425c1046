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
