// SPDX-License-Identifier: Apache-2.0
// In which order edges move their points, and in which epochs.

/// A directed edge, sixteen bytes.
///
/// An edge of weight w moves its points in w / max w of the epochs: in those in which the running sum of
/// its rate, from an offset of its own, passes a whole number. Offsets spread the edges over the epochs.
struct Edge {
    /// The point that the edge pulls, and that is pushed.
    let head: Int32
    /// The point at the other end.
    let tail: Int32
    /// The share of the epochs in which the edge moves its points, in units of 2^-32.
    let rate: UInt32
    /// Where the running sum begins, in units of 2^-32.
    let offset: UInt32

    /// - Parameters:
    ///   - share: the weight as a share of the largest, in 0...1.
    ///   - order: offsets of consecutive orders are multiples of the golden ratio, which fill a circle
    ///     evenly.
    init(head: Int32, tail: Int32, share: Float, order: Int) {
        self.head = head
        self.tail = tail
        rate = UInt32(min(Double(share) * 0x1p32, 0x1p32 - 1))
        offset = UInt32(truncatingIfNeeded: order &+ 1) &* 0x9E37_79B9
    }

    /// 1 in the epochs in which the edge moves its points, else 0; without a branch.
    @inline(__always)
    func pulls(in epoch: UInt32) -> Int {
        let sum = UInt64(offset &+ epoch &* rate)
        return Int(truncatingIfNeeded: (sum &+ UInt64(rate)) >> 32)
    }
}

/// Directed edges in classes; no two edges of a class move the same point, so any sixteen of them can
/// move at once.
struct EdgeSchedule {
    /// [classes + 1]: where each class begins.
    private(set) var classStarts = [0]
    /// The edges, class by class.
    private(set) var edges: [Edge] = []

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
        edges.reserveCapacity(graph.columns.count)
        for isForward in [true, false] {
            for color in 0..<coloring.count {
                for edge in coloring.edges(of: color) {
                    let (head, tail) = (coloring.heads[edge], coloring.tails[edge])
                    edges.append(
                        Edge(
                            head: isForward ? head : tail, tail: isForward ? tail : head,
                            share: coloring.weights[edge] / largest, order: edges.count))
                }
                classStarts.append(edges.count)
            }
        }
    }

    /// The edges from new points, the rows of `graph`, to those of a cloud; only heads move. Class c
    /// holds the c-th edge of each row, and all about an edge follows from its row alone.
    init(fromRowsOf graph: FuzzyGraph) {
        let degrees = (0..<graph.count).map { graph.rowStarts[$0 + 1] - graph.rowStarts[$0] }
        edges.reserveCapacity(graph.columns.count)
        for place in 0..<(degrees.max() ?? 0) {
            for row in 0..<graph.count where place < degrees[row] {
                let own = graph.rowStarts[row]..<graph.rowStarts[row + 1]
                let largest = graph.weights[own].max() ?? 1
                edges.append(
                    Edge(
                        head: Int32(truncatingIfNeeded: row),
                        tail: graph.columns[own.lowerBound + place],
                        share: graph.weights[own.lowerBound + place] / largest, order: place))
            }
            classStarts.append(edges.count)
        }
    }
}
