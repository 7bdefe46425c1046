// SPDX-License-Identifier: Apache-2.0
// Paired differences over prompts: their mean, its bootstrap interval, and the sign-flip permutation test.

import Tensors

/// What paired differences say of their mean.
public struct PairedStatistics: Codable, Sendable, Equatable {
    public var count: Int
    /// How many differences are above 0.
    public var positive: Int
    public var mean: Double
    /// The 2.5 % and 97.5 % quantiles of the mean over resampled prompts (percentile bootstrap, Efron 1979).
    public var low: Double
    public var high: Double
    /// Two-sided: how often the mean is at least as large when every difference has a random sign, the observed signs
    /// counted as one more draw (Phipson and Smyth 2010).
    public var p: Double

    /// - Parameters:
    ///   - differences: one a prompt; at least one.
    ///   - resamples: draws of the bootstrap and of the test.
    public init(_ differences: [Double], resamples: Int, seed: UInt64) {
        precondition(!differences.isEmpty && resamples > 0)
        let n = differences.count
        count = n
        positive = differences.count { $0 > 0 }
        mean = differences.reduce(0, +) / Double(n)

        var random = RandomStream(seed: seed, purpose: 1)
        let means = (0..<resamples).map { _ in
            var sum = 0.0
            for _ in 0..<n { sum += differences[random.next(below: UInt64(n))] }
            return sum / Double(n)
        }.sorted()
        low = Self.quantile(0.025, of: means)
        high = Self.quantile(0.975, of: means)

        var signs = RandomStream(seed: seed, purpose: 2)
        let observed = abs(differences.reduce(0, +))
        // Sums of the same numbers in another order may differ in their last bits.
        let bound = observed * (1 - 1e-12)
        var asLarge = 1
        for _ in 0..<resamples {
            var sum = 0.0
            var bits: UInt64 = 0
            for i in 0..<n {
                if i % 64 == 0 { bits = signs.next() }
                sum += bits & 1 == 0 ? differences[i] : -differences[i]
                bits >>= 1
            }
            if abs(sum) >= bound { asLarge += 1 }
        }
        p = Double(asLarge) / Double(resamples + 1)
    }

    /// Between the two nearest of sorted values, in proportion.
    private static func quantile(_ share: Double, of sorted: [Double]) -> Double {
        let place = share * Double(sorted.count - 1)
        let below = Int(place)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }
}
