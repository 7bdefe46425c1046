// SPDX-License-Identifier: Apache-2.0
// The parts that only some families choose for their blocks, apart from their weights.

import Foundation
import Tensors

/// What is added to the scores of a head, by key alone: ALiBi (Press et al. 2021), whose bias differs
/// from slope * (key - query) by a constant a row, which the softmax does not see.
public struct KeyBias: Sendable, Equatable {
    /// A slope for each head.
    public var slopes: [Double]
    /// Multiplies the bias of Falcon, which rounds slope and bias to bfloat16; nil: slope * key as it is.
    public var roundedScale: Float?

    /// The slopes of `nHeads` heads: 2^(-8 (h+1) / n) for the n = largest power of two of them, and every
    /// second one of 2n for the rest.
    public init(nHeads: Int, roundedScale: Float? = nil) {
        let n = 1 << Int(log2(Double(nHeads)))
        func geometric(_ count: Int) -> [Double] {
            (1...count).map { pow(2, -8 * Double($0) / Double(count)) }
        }
        let rest = geometric(2 * n).enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
        slopes = geometric(n) + rest.prefix(nHeads - n)
        self.roundedScale = roundedScale
    }

    /// What is added to the score of a key.
    public func callAsFunction(head: Int, key: Int) -> Float {
        guard let roundedScale else { return Float(slopes[head]) * Float(key) }
        return Self.bfloat16(Self.bfloat16(Float(slopes[head])) * Float(key)) * roundedScale
    }

    private static func bfloat16(_ x: Float) -> Float {
        Float(bitPattern: UInt32(Tensors.bfloat16(x)) << 16)
    }
}

/// Multi-head latent attention (DeepSeek-V2, 2024): q and k are [own | rotary], the rotary part of k is one
/// for all heads, and own parts and values come out of a low-rank vector.
public struct LatentAttention: Sendable, Equatable {
    /// Width of the vector queries are made of; nil where they come from the residual stream.
    public var queryRank: Int?
    /// Width of the vector keys and values are made of.
    public var keyValueRank: Int
    /// Width of the part of q and k without positions.
    public var dOwn: Int
    /// Width of the part of q and k that turns.
    public var dRotary: Int
    /// Of the norms of both low-rank vectors.
    public var epsilon: Float = 1e-6
}

/// A mixture of experts: each token runs through a few of many small MLPs.
public struct Experts: Sendable, Equatable {
    public var count: Int
    /// How many a token runs through.
    public var chosen: Int
    /// Width of an expert's hidden layer.
    public var dExpert: Int
    public var activation: ExpertActivation
    public var router: Router
    /// Width of the MLP that every token also runs through; 0 without.
    public var dShared = 0
    /// Whether that MLP's output is multiplied by the sigmoid of a projection of its input.
    public var gatesShared = false

    /// An expert's elementwise function of gate and up.
    public enum ExpertActivation: Sendable, Equatable {
        /// activation(gate) up; the rows of gate stand before those of up.
        case gated(Activation)
        /// GPT-OSS: (up + 1) gate sigmoid(slope gate), with the gate at most `limit` and up within -limit...limit.
        /// Rows of gate and up are in turn, or those of gate stand before those of up.
        case clamped(limit: Float, slope: Float, inTurn: Bool = true)
    }

    /// How a token's experts and their weights come out of the router's logits.
    public struct Router: Sendable, Equatable {
        public var scoring: Scoring
        /// Whether the weights of the chosen are divided by their sum.
        public var normalizes = false
        /// Multiplies the weights.
        public var scale: Float = 1
        /// Only experts of the best groups can be chosen; a group counts as its two best experts do together.
        public var groups: (count: Int, kept: Int)?
        /// Multiplies the router's normalised input.
        public var inputScale: Float = 1

        public enum Scoring: Sendable {
            /// Softmax over all experts.
            case softmax
            /// Softmax over the chosen ones.
            case softmaxOfChosen
            /// Sigmoid, chosen after a learned correction was added.
            case sigmoid
            /// Sigmoid that multiplies the expert's input instead of its output (Llama 4).
            case sigmoidOfInput
        }

        public init(_ scoring: Scoring) { self.scoring = scoring }

        public static func == (a: Router, b: Router) -> Bool {
            a.scoring == b.scoring && a.normalizes == b.normalizes && a.scale == b.scale
                && a.groups?.count == b.groups?.count && a.groups?.kept == b.groups?.kept
                && a.inputScale == b.inputScale
        }
    }
}

/// Gated delta net (Yang et al. 2024): linear attention with a state for each value head.
public struct DeltaNet: Sendable, Equatable {
    public var nKeyHeads: Int
    public var nValueHeads: Int
    public var dKey: Int
    public var dValue: Int
    /// Positions that the causal convolution of q, k and v spans.
    public var kernel: Int
    public var epsilon: Float

    /// Width of q, k and v together.
    var convolvedWidth: Int { 2 * nKeyHeads * dKey + nValueHeads * dValue }
    /// Width of the output before its projection.
    var outputWidth: Int { nValueHeads * dValue }
}
