// SPDX-License-Identifier: Apache-2.0
// The local metric of each point: how far its nearest neighbour is, and how fast nearness fades.

import Foundation
import Tensors

/// For each point, rho and sigma such that sum over neighbours of exp(-max(0, d - rho) / sigma)
/// is log2 k (McInnes, Healy, Melville 2018, algorithm 3).
package struct SmoothDistances {
    /// [n]: the distance to the nearest neighbour that is not at distance 0; 0 when all are.
    package let rho: [Float]
    /// [n]: the width of the kernel, kept above a thousandth of the mean distance.
    package let sigma: [Float]

    private static let iterations = 64
    private static let tolerance: Float = 1e-5
    private static let smallestShare: Float = 1e-3

    /// - Parameters:
    ///   - neighbors: the k - 1 nearest others of each point: k counts the point itself.
    ///   - nNeighbors: the k asked for, which log2 k is of, even where the cloud has fewer points.
    ///   - isLocallyConnected: whether the nearest neighbour is fully connected (rho as above), as in a
    ///     fit; else rho is 0, as when new points are placed, and k counts neighbours alone.
    package init(_ neighbors: NearestNeighbors, nNeighbors: Int, isLocallyConnected: Bool = true) {
        let k = neighbors.k
        let count = k == 0 ? 0 : neighbors.distances.count / k
        var rho = [Float](repeating: 0, count: count)
        var sigma = [Float](repeating: 1, count: count)
        // The mean counts the point itself, at distance 0, as one of its k neighbours.
        let members = Float(isLocallyConnected ? k + 1 : k)
        let overallMean = Float(
            neighbors.distances.reduce(0.0) { $0 + Double($1) }
                / (Double(max(count, 1)) * Double(members)))
        let target = log2(Float(nNeighbors))
        var row = [Float](repeating: 0, count: (k + laneCount - 1) / laneCount * laneCount)
        for point in 0..<count {
            let own = neighbors.distances[point * k..<(point + 1) * k]
            if isLocallyConnected { rho[point] = own.first { $0 > 0 } ?? 0 }
            // In the reference's placing of new points the first neighbour is not summed.
            let summed = isLocallyConnected ? own : own.dropFirst()
            for place in row.indices {
                row[place] =
                    place < summed.count
                    ? max(0, summed[summed.startIndex + place] - rho[point]) : .infinity
            }
            let isDuplicated = isLocallyConnected && rho[point] == 0
            let mean = isDuplicated ? overallMean : own.reduce(0, +) / members
            sigma[point] = max(
                Self.width(excesses: row, count: row.count, target: target),
                Self.smallestShare * mean)
        }
        self.rho = rho
        self.sigma = sigma
    }

    /// The sigma at which sum exp(-excess / sigma) reaches `target`, by bisection from 1.
    /// Infinite excesses add nothing.
    private static func width(
        excesses: UnsafePointer<Float>, count: Int, target: Float
    ) -> Float {
        var low: Float = 0
        var high = Float.infinity
        var middle: Float = 1
        for _ in 0..<iterations {
            var sums = Lanes.zero
            for place in stride(from: 0, to: count, by: laneCount) {
                sums += exp(excesses.lanes(at: place) * (-1 / middle))
            }
            let sum = sums.total
            if abs(sum - target) < tolerance { break }
            if sum > target {
                high = middle
                middle = (low + high) / 2
            } else {
                low = middle
                middle = high == .infinity ? middle * 2 : (low + high) / 2
            }
        }
        return middle
    }
}
