// SPDX-License-Identifier: Apache-2.0
// Exact nearest neighbours: blocked matrix products choose candidates, direct differences rank them.

import Tensors

/// The k nearest points of a cloud for each query, nearest first, ties by lower index.
package struct NearestNeighbors {
    /// Neighbours per query.
    package let k: Int
    /// [queries, k]: places in the cloud.
    package let indices: [Int32]
    /// [queries, k]: Euclidean distances, ascending; exactly 0 between equal points.
    package let distances: [Float]

    /// The `k` nearest other points of each point of `cloud`; of n points there are at most n - 1.
    package init(within cloud: Points, k: Int, workers: Int) {
        self.init(of: cloud, in: cloud, k: min(k, cloud.count - 1), isSelf: true, workers: workers)
    }

    /// The `k` nearest points of `cloud` for each point of `queries`, which may have as many as exist.
    package init(of queries: Points, in cloud: Points, k: Int, workers: Int) {
        self.init(
            of: queries, in: cloud, k: min(k, cloud.count), isSelf: false, workers: workers)
    }

    private init(of queries: Points, in cloud: Points, k: Int, isSelf: Bool, workers: Int) {
        let k = max(k, 0)
        var indices = [Int32](repeating: 0, count: queries.count * k)
        var distances = [Float](repeating: 0, count: queries.count * k)
        if k > 0 {
            search(
                queries.values, queries.count, in: cloud.values, cloud.count,
                dimensions: cloud.dimensions, k: k, isSelf: isSelf, workers: workers,
                indices: &indices, distances: &distances)
        }
        self.k = k
        self.indices = indices
        self.distances = distances
    }
}

/// Runs a search over memory that is borrowed for the length of this call.
private func search(
    _ queries: UnsafePointer<Float>, _ queryCount: Int, in points: UnsafePointer<Float>,
    _ pointCount: Int, dimensions: Int, k: Int, isSelf: Bool, workers: Int,
    indices: UnsafeMutablePointer<Int32>, distances: UnsafeMutablePointer<Float>
) {
    BLAS.prepare()
    let search = NeighborSearch(
        queries: queries, queryCount: queryCount, points: points, pointCount: pointCount,
        dimensions: dimensions, k: k, isSelf: isSelf)
    search.run(workers: workers, indices: indices, distances: distances)
}

/// One search over borrowed memory.
///
/// |x - y|^2 = |x|^2 + (|y|^2 - 2 x.y): the bracket, for a block of queries and a tile of points, is one
/// matrix product. In Float32 it is off by at most `slack`, so everything within twice that of the
/// k-th smallest bracket is a candidate, and candidates are ranked by their differences, which do not
/// cancel.
private struct NeighborSearch {
    let queries: UnsafePointer<Float>
    let queryCount: Int
    let points: UnsafePointer<Float>
    let pointCount: Int
    let dimensions: Int
    let k: Int
    let isSelf: Bool
    let squaredNorms: [Float]
    let largestNorm: Float

    static let queriesPerBlock = 64
    static let pointsPerTile = 8192

    init(
        queries: UnsafePointer<Float>, queryCount: Int, points: UnsafePointer<Float>,
        pointCount: Int, dimensions: Int, k: Int, isSelf: Bool
    ) {
        self.queries = queries
        self.queryCount = queryCount
        self.points = points
        self.pointCount = pointCount
        self.dimensions = dimensions
        self.k = k
        self.isSelf = isSelf
        // Padded so that whole lanes can be read past the last point; infinity is never a candidate.
        var norms = [Float](repeating: .infinity, count: pointCount + laneCount)
        for row in 0..<pointCount {
            norms[row] = squaredNorm(points + row * dimensions, dimensions)
        }
        squaredNorms = norms
        largestNorm = norms[0..<pointCount].max()?.squareRoot() ?? 0
    }

    func run(
        workers: Int, indices: UnsafeMutablePointer<Int32>,
        distances: UnsafeMutablePointer<Float>
    ) {
        let blocks = (queryCount + Self.queriesPerBlock - 1) / Self.queriesPerBlock
        let workers = min(workers, blocks)
        share(workers, among: workers) { _, worker in
            let tileWidth = min(Self.pointsPerTile, pointCount)
            let stride = (tileWidth + laneCount - 1) / laneCount * laneCount
            let tile = UnsafeMutablePointer<Float>.allocate(
                capacity: Self.queriesPerBlock * stride)
            tile.initialize(repeating: 0, count: Self.queriesPerBlock * stride)
            defer { tile.deallocate() }
            var lists = [CandidateList](
                repeating: CandidateList(k: k), count: Self.queriesPerBlock)
            for block in Swift.stride(from: worker, to: blocks, by: workers) {
                let first = block * Self.queriesPerBlock
                let rows = min(Self.queriesPerBlock, queryCount - first)
                collect(rows: rows, from: first, tile: tile, stride: stride, into: &lists)
                for row in 0..<rows {
                    let query = first + row
                    lists[row].rank(
                        by: {
                            squaredDistance(
                                queries + query * dimensions, points + $0 * dimensions, dimensions)
                        },
                        indices: indices + query * k, distances: distances + query * k)
                }
            }
        }
    }

    /// Fills `lists[0..<rows]` with the candidates of the queries from `first` on.
    private func collect(
        rows: Int, from first: Int, tile: UnsafeMutablePointer<Float>, stride: Int,
        into lists: inout [CandidateList]
    ) {
        for row in 0..<rows {
            let query = queries + (first + row) * dimensions
            lists[row].reset(slack: slack(norm: squaredNorm(query, dimensions).squareRoot()))
        }
        for start in Swift.stride(from: 0, to: pointCount, by: Self.pointsPerTile) {
            let width = min(Self.pointsPerTile, pointCount - start)
            multiply(
                rows, width, dimensions, queries + first * dimensions, dimensions, .asStored,
                points + start * dimensions, dimensions, .transposed, into: tile, stride,
                alpha: -2)
            for row in 0..<rows {
                let itself = isSelf ? first + row - start : -1
                if itself >= 0, itself < width { tile[row * stride + itself] = .infinity }
                lists[row].scan(
                    products: tile + row * stride, norms: squaredNorms, count: width,
                    offset: start)
            }
        }
    }

    /// A bound on the rounding error of a bracket for a query of this norm: gamma_d |x||y| for the
    /// product (Higham 2002, 3.1) and the like for |y|^2, doubled for the two values compared.
    private func slack(norm: Float) -> Float {
        let reach = norm + largestNorm
        return Float(dimensions + 8) * 0x1p-23 * reach * reach
    }
}

/// |x|^2 of a vector of `count` values.
@inline(__always)
private func squaredNorm(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
    var sums = Lanes.zero
    var place = 0
    while place + laneCount <= count {
        let value = x.lanes(at: place)
        sums = sums.addingProduct(value, value)
        place += laneCount
    }
    var sum = sums.total
    while place < count {
        sum += x[place] * x[place]
        place += 1
    }
    return sum
}

/// |x - y|^2 of two vectors of `count` values, from their differences; the same for (x, y) and (y, x).
@inline(__always)
private func squaredDistance(
    _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int
) -> Float {
    var sums = Lanes.zero
    var place = 0
    while place + laneCount <= count {
        let difference = x.lanes(at: place) - y.lanes(at: place)
        sums = sums.addingProduct(difference, difference)
        place += laneCount
    }
    var sum = sums.total
    while place < count {
        let difference = x[place] - y[place]
        sum += difference * difference
        place += 1
    }
    return sum
}
