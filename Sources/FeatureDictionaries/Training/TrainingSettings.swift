// SPDX-License-Identifier: Apache-2.0
// What can be chosen about the training of a dictionary.

/// How a dictionary is trained.
public struct TrainingSettings: Sendable, Equatable {
    /// Number of features (d_sae).
    public var features: Int
    /// Features that fire at a token, at most.
    public var k: Int
    /// Steps of gradient descent.
    public var steps = 2500
    /// Tokens in a step.
    public var batch = 1024
    /// The step size of Adam at its largest.
    public var learningRate: Float = 4e-3
    /// Of all random choices.
    public var seed: UInt64 = 0
    /// Threads; the results do not depend on it.
    public var workers = 1

    /// Settings for a dictionary of this size.
    public init(features: Int, k: Int) {
        self.features = features
        self.k = k
    }

    /// The share of the steps in which the learning rate rises.
    static let warmUp = 0.02
    /// The share of the steps, at the end, in which the learning rate falls to 0.
    static let decay = 0.4

    /// The learning rate of a step, counted from 0: it rises, stays, and falls to 0, linearly.
    public func learningRate(at step: Int) -> Float {
        let (done, all) = (Double(step) + 1, Double(steps))
        let rise = done / max(1, Self.warmUp * all)
        let fall = (all - Double(step)) / max(1, Self.decay * all)
        return learningRate * Float(min(1, rise, fall))
    }
}
