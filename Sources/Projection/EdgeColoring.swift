// SPDX-License-Identifier: Apache-2.0
// Sorting the edges of a graph into matchings.

/// The undirected edges of a symmetric graph, by colour: edges of one colour share no point.
///
/// Greedy: points by falling degree, each edge takes the first colour that is free at both ends. That
/// needs fewer than twice as many colours as the largest degree, and in practice hardly more than it.
struct EdgeColoring {
    /// [edges]: one end of each edge, by colour.
    private(set) var heads: [Int32] = []
    /// [edges]: the other end.
    private(set) var tails: [Int32] = []
    /// [edges]
    private(set) var weights: [Float] = []
    /// [colours + 1]: where each colour begins.
    private var starts: [Int] = []

    /// The number of colours.
    var count: Int { starts.count - 1 }

    /// The places of the edges of `color`.
    func edges(of color: Int) -> Range<Int> { starts[color]..<starts[color + 1] }

    init(_ graph: FuzzyGraph) {
        let colors = Self.colors(of: graph)
        starts = [Int](repeating: 0, count: Int(colors.max() ?? -1) + 2)
        for row in 0..<graph.count {
            for edge in graph.rowStarts[row]..<graph.rowStarts[row + 1]
            where graph.columns[edge] > row {
                starts[Int(colors[edge]) + 1] += 1
            }
        }
        for color in 0..<count { starts[color + 1] += starts[color] }
        let total = starts[count]
        heads = [Int32](repeating: 0, count: total)
        tails = heads
        weights = [Float](repeating: 0, count: total)
        var next = starts
        for row in 0..<graph.count {
            for edge in graph.rowStarts[row]..<graph.rowStarts[row + 1]
            where graph.columns[edge] > row {
                let place = next[Int(colors[edge])]
                next[Int(colors[edge])] += 1
                heads[place] = Int32(truncatingIfNeeded: row)
                tails[place] = graph.columns[edge]
                weights[place] = graph.weights[edge]
            }
        }
    }

    /// [edges of the graph]: the colour of each, the same in both directions.
    private static func colors(of graph: FuzzyGraph) -> [Int32] {
        let starts = graph.rowStarts
        let order = (0..<graph.count).sorted {
            let (first, second) = (starts[$0 + 1] - starts[$0], starts[$1 + 1] - starts[$1])
            return first == second ? $0 < $1 : first > second
        }
        let twins = Self.twins(of: graph)
        let largest = order.first.map { starts[$0 + 1] - starts[$0] } ?? 0
        var colors = [Int32](repeating: -1, count: graph.columns.count)
        // The last point that found this colour taken: at itself, and for one edge at its other end.
        var takenHere = [Int](repeating: -1, count: 2 * largest + 1)
        var takenThere = takenHere
        for row in order {
            for edge in starts[row]..<starts[row + 1] where colors[edge] >= 0 {
                takenHere[Int(colors[edge])] = row
            }
            var lowest = 0
            for edge in starts[row]..<starts[row + 1] where colors[edge] < 0 {
                let other = Int(graph.columns[edge])
                for itsEdge in starts[other]..<starts[other + 1] where colors[itsEdge] >= 0 {
                    takenThere[Int(colors[itsEdge])] = edge
                }
                while takenHere[lowest] == row { lowest += 1 }
                var color = lowest
                while takenHere[color] == row || takenThere[color] == edge { color += 1 }
                takenHere[color] = row
                colors[edge] = Int32(truncatingIfNeeded: color)
                colors[twins[edge]] = colors[edge]
            }
        }
        return colors
    }

    /// [edges]: where the same edge is listed in the other direction.
    private static func twins(of graph: FuzzyGraph) -> [Int] {
        var next = graph.rowStarts
        var twins = [Int](repeating: 0, count: graph.columns.count)
        // Rows in ascending order reach the entries of each column in ascending order too.
        for row in 0..<graph.count {
            for edge in graph.rowStarts[row]..<graph.rowStarts[row + 1] {
                let column = Int(graph.columns[edge])
                twins[next[column]] = edge
                next[column] += 1
            }
        }
        return twins
    }
}
