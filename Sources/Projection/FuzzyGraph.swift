// SPDX-License-Identifier: Apache-2.0
// The fuzzy simplicial set of a cloud: a symmetric graph whose weights say how near two points are.

import Foundation

/// A sparse matrix of memberships, row by row.
package struct FuzzyGraph {
    /// [n + 1]: where each row begins.
    package internal(set) var rowStarts: [Int]
    /// [edges]: ascending within a row.
    package internal(set) var columns: [Int32]
    /// [edges]: in (0, 1].
    package internal(set) var weights: [Float]

    /// The number of points.
    package var count: Int { rowStarts.count - 1 }

    /// Memberships of neighbours as seen from each point, exp(-max(0, d - rho) / sigma); not symmetric.
    package init(
        memberships neighbors: NearestNeighbors, _ smooth: SmoothDistances, count: Int
    ) {
        let k = neighbors.k
        var weights = [Float](repeating: 0, count: count * k)
        for point in 0..<(k == 0 ? 0 : count) {
            for place in point * k..<(point + 1) * k {
                let excess = neighbors.distances[place] - smooth.rho[point]
                weights[place] = excess <= 0 ? 1 : exp(-excess / smooth.sigma[point])
            }
        }
        rowStarts = (0...count).map { $0 * k }
        columns = neighbors.indices
        self.weights = weights
    }

    private init(rowStarts: [Int], columns: [Int32], weights: [Float]) {
        self.rowStarts = rowStarts
        self.columns = columns
        self.weights = weights
    }

    /// Both views of each pair joined by the probabilistic t-conorm: w = a + b - ab.
    package func unitedWithTranspose() -> FuzzyGraph {
        // Transposing twice sorts the rows by column.
        let transpose = transposed()
        let sorted = transpose.transposed()
        var starts = [0]
        starts.reserveCapacity(count + 1)
        var columns: [Int32] = []
        var weights: [Float] = []
        columns.reserveCapacity(2 * self.columns.count)
        weights.reserveCapacity(2 * self.columns.count)
        for row in 0..<count {
            var here = sorted.rowStarts[row]
            var there = transpose.rowStarts[row]
            let hereEnd = sorted.rowStarts[row + 1]
            let thereEnd = transpose.rowStarts[row + 1]
            while here < hereEnd || there < thereEnd {
                let mine = here < hereEnd ? sorted.columns[here] : .max
                let other = there < thereEnd ? transpose.columns[there] : .max
                let column = min(mine, other)
                let a = mine == column ? sorted.weights[here] : 0
                let b = other == column ? transpose.weights[there] : 0
                if mine == column { here += 1 }
                if other == column { there += 1 }
                let weight = a + b - a * b
                if weight > 0 {
                    columns.append(column)
                    weights.append(weight)
                }
            }
            starts.append(columns.count)
        }
        return FuzzyGraph(rowStarts: starts, columns: columns, weights: weights)
    }

    /// Without the edges too weak to be drawn once in `epochs`.
    package func pruned(epochs: Int) -> FuzzyGraph {
        let least = (weights.max() ?? 0) / Float(max(epochs, 1))
        var starts = [0]
        var columns: [Int32] = []
        var weights: [Float] = []
        for row in 0..<count {
            for edge in rowStarts[row]..<rowStarts[row + 1] where self.weights[edge] >= least {
                columns.append(self.columns[edge])
                weights.append(self.weights[edge])
            }
            starts.append(columns.count)
        }
        return FuzzyGraph(rowStarts: starts, columns: columns, weights: weights)
    }

    /// Columns as rows, by counting; within a row the columns ascend.
    private func transposed() -> FuzzyGraph {
        var starts = [Int](repeating: 0, count: count + 1)
        for column in columns { starts[Int(column) + 1] += 1 }
        for row in 0..<count { starts[row + 1] += starts[row] }
        var next = starts
        var columns = [Int32](repeating: 0, count: self.columns.count)
        var weights = [Float](repeating: 0, count: self.columns.count)
        for row in 0..<count {
            for edge in rowStarts[row]..<rowStarts[row + 1] {
                let column = Int(self.columns[edge])
                columns[next[column]] = Int32(truncatingIfNeeded: row)
                weights[next[column]] = self.weights[edge]
                next[column] += 1
            }
        }
        return FuzzyGraph(rowStarts: starts, columns: columns, weights: weights)
    }

    /// The connected components: for each, its points in ascending order; components by first point.
    package func components() -> [[Int32]] {
        var label = [Int](repeating: -1, count: count)
        var components: [[Int32]] = []
        for start in 0..<count where label[start] < 0 {
            label[start] = components.count
            var members = [Int32(truncatingIfNeeded: start)]
            var next = 0
            while next < members.count {
                let row = Int(members[next])
                next += 1
                for column in columns[rowStarts[row]..<rowStarts[row + 1]]
                where label[Int(column)] < 0 {
                    label[Int(column)] = components.count
                    members.append(column)
                }
            }
            components.append(members.sorted())
        }
        return components
    }

    /// The graph among `members` (ascending) alone, renumbered 0..<members.count.
    package func restricted(to members: [Int32]) -> FuzzyGraph {
        var renumbered = [Int32: Int32](minimumCapacity: members.count)
        for (new, old) in members.enumerated() { renumbered[old] = Int32(truncatingIfNeeded: new) }
        var starts = [0]
        var columns: [Int32] = []
        var weights: [Float] = []
        for member in members {
            for edge in rowStarts[Int(member)]..<rowStarts[Int(member) + 1] {
                guard let column = renumbered[self.columns[edge]] else { continue }
                columns.append(column)
                weights.append(self.weights[edge])
            }
            starts.append(columns.count)
        }
        return FuzzyGraph(rowStarts: starts, columns: columns, weights: weights)
    }
}
