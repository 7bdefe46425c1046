// SPDX-License-Identifier: Apache-2.0
// `composition` in heads/L{l}H{h}.json: which heads a head reads from, and which read it.

import JSON

/// A head's strongest partners by composition of their weights.
public struct CompositionPayload: Sendable {
    /// Another head and how strongly the two compose.
    public struct Partner: Sendable {
        public var layer: Int
        public var head: Int
        /// ||W_2 W_1|| / (||W_2|| ||W_1||), 0 to 1.
        public var score: Double
        /// Standard deviations of the squared score above unrelated heads of the same ranks.
        public var deviations: Double
        /// The projection kernel of what is written and what is read, what unrelated subspaces of these dimensions
        /// give, and how many standard deviations it lies above that.
        public var kernel: (value: Double, chance: Double, deviations: Double)

        /// Another head.
        public init(
            layer: Int, head: Int, score: Double, deviations: Double,
            kernel: (value: Double, chance: Double, deviations: Double)
        ) {
            self.layer = layer
            self.head = head
            self.score = score
            self.deviations = deviations
            self.kernel = kernel
        }
    }

    /// The score that unrelated heads have: 1 / sqrt(d_model).
    public var chance: Double
    /// By side (q, k, v), the strongest first.
    public var readsFrom: [(side: String, partners: [Partner])]
    public var readBy: [(side: String, partners: [Partner])]

    /// A head's strongest partners.
    public init(
        chance: Double, readsFrom: [(side: String, partners: [Partner])],
        readBy: [(side: String, partners: [Partner])]
    ) {
        self.chance = chance
        self.readsFrom = readsFrom
        self.readBy = readBy
    }

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("chance", chance)
            for (key, sides) in [("reads_from", readsFrom), ("read_by", readBy)] {
                json.key(key)
                json.object { json in
                    for (side, partners) in sides {
                        json.key(side)
                        json.array { json in for partner in partners { write(partner, &json) } }
                    }
                }
            }
        }
    }

    private func write(_ partner: Partner, _ json: inout JSONWriter) {
        json.object { json in
            json.member("layer", partner.layer)
            json.member("head", partner.head)
            json.member("score", partner.score)
            json.member("deviations", partner.deviations)
            json.member("kernel", partner.kernel.value)
            json.member("kernel_chance", partner.kernel.chance)
            json.member("kernel_deviations", partner.kernel.deviations)
        }
    }
}
