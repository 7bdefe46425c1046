// SPDX-License-Identifier: Apache-2.0
// The numbers that a scan keeps for each sequence and head.

import AttentionStats

/// The rows of neighbouring sequences in `statistics`.
public struct ScanRows: Sendable {
    /// The ids of the sequences.
    public private(set) var sequences: Range<Int>
    /// One array a statistics column, [sequence, head].
    private(set) var statistics: [[Double]]
    /// [sequence, head, bin].
    private(set) var massByDistance: [Float]

    /// Takes the rows out of the results of a batch.
    ///
    /// - Parameters:
    ///   - indices: of the sequences in the batch.
    ///   - distanceBins: of the longest sequence there can be.
    public init(
        _ batch: [ScanSequence], _ indices: Range<Int>, _ results: BatchResults, distanceBins: Int
    ) {
        sequences = batch[indices.lowerBound].id..<batch[indices.upperBound - 1].id + 1
        let heads = 0..<results.heads
        statistics = StatisticsColumn.all.map { column in
            var values: [Double] = []
            values.reserveCapacity(indices.count * heads.count)
            for s in indices { for h in heads { values.append(column.get(results[s, h].sums)) } }
            return values
        }
        massByDistance = []
        massByDistance.reserveCapacity(indices.count * heads.count * distanceBins)
        for s in indices {
            for h in heads {
                let bins = results[s, h].massByDistance
                massByDistance += bins
                massByDistance += repeatElement(0, count: distanceBins - bins.count)
            }
        }
    }

    /// Rows as they were read.
    init(sequences: Range<Int>, statistics: [[Double]], massByDistance: [Float]) {
        self.sequences = sequences
        self.statistics = statistics
        self.massByDistance = massByDistance
    }

    /// Adds the rows of the sequences that follow.
    public mutating func join(_ rows: ScanRows) {
        sequences = sequences.lowerBound..<rows.sequences.upperBound
        for column in statistics.indices { statistics[column] += rows.statistics[column] }
        massByDistance += rows.massByDistance
    }

    /// The largest activation of every head on one of the sequences.
    public func maxActivations(of sequence: Int) -> [Float] {
        let heads = statistics[StatisticsColumn.maxActivation].count / sequences.count
        let first = (sequence - sequences.lowerBound) * heads
        return statistics[StatisticsColumn.maxActivation][first..<first + heads].map(Float.init)
    }
}
