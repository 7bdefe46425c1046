// SPDX-License-Identifier: Apache-2.0
// Which edges pull their points in which epoch.

/// The edges of a graph in the order in which the layout visits them: sixteen points at a time.
///
/// An edge of weight w pulls in w / max w of the epochs. Which epochs those are is found by systematic
/// sampling: the rates of a point's edges lie end to end on a line, a comb with teeth one apart and a
/// new offset each epoch falls on it, and every edge that a tooth hits pulls. So a point has the same
/// number of pulls in every epoch, give or take one, each edge is hit as often as its rate says, and the
/// sixteen points of a block, which are neighbours in that number, finish together.
struct PullSchedule {
    /// [blocks * 16]: points by falling number of pulls; -1 where the last block is not full.
    let points: [Int32]
    /// [blocks * 16 + 1]: where the edges of each of `points` begin.
    let starts: [Int]
    /// [edges]: the other ends.
    let tails: [Int32]
    /// [edges]: pulls per epoch, in units of 2^-32.
    let rates: [UInt32]
    /// [edges]: the sum of the rates before it in its row, modulo 1.
    let offsets: [UInt32]

    /// The number of blocks of sixteen points.
    var blockCount: Int { points.count / 16 }

    /// The largest number of edges of a point.
    var largestDegree: Int {
        (0..<points.count).reduce(0) { max($0, starts[$1 + 1] - starts[$1]) }
    }

    init(_ graph: FuzzyGraph) {
        let scale = Double(graph.weights.max() ?? 1)
        let expected = (0..<graph.count).map { row in
            graph.weights[graph.rowStarts[row]..<graph.rowStarts[row + 1]].reduce(0.0) {
                $0 + Double($1)
            }
        }
        var points = (0..<Int32(truncatingIfNeeded: graph.count)).sorted {
            let (first, second) = (expected[Int($0)], expected[Int($1)])
            return first == second ? $0 < $1 : first > second
        }
        while !points.count.isMultiple(of: 16) { points.append(-1) }
        var starts = [0]
        var tails: [Int32] = []
        var rates: [UInt32] = []
        var offsets: [UInt32] = []
        for point in points {
            if point >= 0 {
                var offset: UInt32 = 0
                let row = Int(point)
                for edge in graph.rowStarts[row]..<graph.rowStarts[row + 1] {
                    let share = Double(graph.weights[edge]) / scale
                    let rate = UInt32(min(share * 0x1p32, 0x1p32 - 1))
                    tails.append(graph.columns[edge])
                    rates.append(rate)
                    offsets.append(offset)
                    offset &+= rate
                }
            }
            starts.append(tails.count)
        }
        self.points = points
        self.starts = starts
        self.tails = tails
        self.rates = rates
        self.offsets = offsets
    }

    /// The comb's offset in an epoch: multiples of the golden ratio, which fill a circle most evenly.
    static func combOffset(epoch: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: epoch &+ 1) &* 0x9E37_79B9
    }
}
