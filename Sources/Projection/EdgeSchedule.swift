// SPDX-License-Identifier: Apache-2.0
// In which order edges move their points, and in which epochs.

/// Directed edges in classes; no two edges of a class move the same point, so any sixteen of them can
/// move at once.
///
/// An edge of weight w moves its points in w / max w of the epochs: in those in which the running sum of
/// its rate, from an offset of its own, passes a whole number. Offsets spread the edges over the epochs.
struct EdgeSchedule {
    /// [classes + 1]: where each class begins.
    private(set) var classStarts = [0]
    /// [edges]: the points that pull themselves along, and are pushed.
    private(set) var heads: [Int32] = []
    /// [edges]: the points at the other ends.
    private(set) var tails: [Int32] = []
    /// [edges]: epochs in which the edge moves its points, as a share of all, in units of 2^-32.
    private(set) var rates: [UInt32] = []
    /// [edges]: where the running sum begins.
    private(set) var offsets: [UInt32] = []

    /// The number of classes.
    var classCount: Int { classStarts.count - 1 }

    /// The number of edges of the largest class.
    var largestClass: Int {
        (0..<classCount).reduce(0) { max($0, classStarts[$1 + 1] - classStarts[$1]) }
    }

    /// Every edge of a symmetric graph in both directions; both ends move.
    init(symmetric graph: FuzzyGraph) {
        let coloring = EdgeColoring(graph)
        let largest = graph.weights.max() ?? 1
        reserve(graph.columns.count)
        for isForward in [true, false] {
            for color in 0..<coloring.count {
                for edge in coloring.edges(of: color) {
                    let (head, tail) = (coloring.heads[edge], coloring.tails[edge])
                    append(
                        head: isForward ? head : tail, tail: isForward ? tail : head,
                        share: coloring.weights[edge] / largest,
                        order: heads.count)
                }
                classStarts.append(heads.count)
            }
        }
    }

    /// The edges from new points, the rows of `graph`, to those of a cloud; only heads move. Class c
    /// holds the c-th edge of each row, and all about an edge follows from its row alone.
    init(fromRowsOf graph: FuzzyGraph) {
        let degrees = (0..<graph.count).map { graph.rowStarts[$0 + 1] - graph.rowStarts[$0] }
        reserve(graph.columns.count)
        for place in 0..<(degrees.max() ?? 0) {
            for row in 0..<graph.count where place < degrees[row] {
                let edges = graph.rowStarts[row]..<graph.rowStarts[row + 1]
                let largest = graph.weights[edges].max() ?? 1
                append(
                    head: Int32(truncatingIfNeeded: row),
                    tail: graph.columns[edges.lowerBound + place],
                    share: graph.weights[edges.lowerBound + place] / largest, order: place)
            }
            classStarts.append(heads.count)
        }
    }

    private mutating func reserve(_ count: Int) {
        heads.reserveCapacity(count)
        tails.reserveCapacity(count)
        rates.reserveCapacity(count)
        offsets.reserveCapacity(count)
    }

    private mutating func append(head: Int32, tail: Int32, share: Float, order: Int) {
        heads.append(head)
        tails.append(tail)
        rates.append(UInt32(min(Double(share) * 0x1p32, 0x1p32 - 1)))
        // Multiples of the golden ratio fill the circle evenly.
        offsets.append(UInt32(truncatingIfNeeded: order &+ 1) &* 0x9E37_79B9)
    }
}
