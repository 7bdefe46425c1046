// SPDX-License-Identifier: Apache-2.0
// Histograms of a head's activations and of its distances.

import AttentionStats

/// Counts in bins, or other numbers that each bin has.
public struct Histogram: Sendable, Equatable {
    /// One more than there are bins.
    public var edges: [Double]
    /// One a bin.
    public var values: [Double]

    /// A histogram that was made before.
    public init(edges: [Double], values: [Double]) {
        self.edges = edges
        self.values = values
    }

    /// Activations, which lie in 0...1, in `bins` bins of equal width; 1 falls into the last.
    public init(activations: [Float], bins: Int = 20) {
        edges = (0...bins).map { Double($0) / Double(bins) }
        values = Array(repeating: 0, count: bins)
        for activation in activations {
            values[min(bins - 1, max(0, Int(Double(activation) * Double(bins))))] += 1
        }
    }

    /// |q-k| of stored pairs outside row 0 and column 0, in bins 0, 1, 2-3, 4-7, ...
    public init(distances pairs: [[AttentionPair]], maxLength: Int) {
        let bins = DistanceBins.count(forLength: maxLength)
        edges = DistanceBins.edges(bins).map(Double.init)
        values = Array(repeating: 0, count: bins)
        for pair in pairs.joined() where pair.query > 0 && pair.key > 0 {
            values[DistanceBins.bin(of: abs(Int(pair.query) - Int(pair.key)))] += 1
        }
    }
}
