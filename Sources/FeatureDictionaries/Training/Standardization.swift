// SPDX-License-Identifier: Apache-2.0
// Residual vectors as training wants them: around 0, of moderate size, none more important than it is.

import Tensors

/// One shift and one factor for all of a layer's residual vectors, x' = (x - center) * factor.
///
/// Attention sinks, such as position 0, can be a hundred times as long as other vectors. So nothing
/// here follows the mean of the vectors or of their squares: the center is their geometric median, and
/// the factor makes the median squared length 1.
public struct Standardization: Sendable {
    /// [dModel].
    public let center: [Float]
    /// Above 0.
    public let factor: Float

    /// Vectors that center and factor are computed from, at most.
    private static let sampleSize = 65_536
    /// Weiszfeld's iterations; the center need not be exact.
    private static let iterations = 8

    /// What suits the first `count` rows.
    public init(_ rows: PaddedRows, count: Int, workers: Int) {
        precondition(count > 0 && count <= rows.count)
        let step = (count + Self.sampleSize - 1) / Self.sampleSize
        let sample = Array(stride(from: 0, to: count, by: step))
        let center = PaddedRows(1, dModel: rows.dModel)
        var squares = [Float](repeating: 0, count: sample.count)
        for iteration in 0...Self.iterations {
            squares = Self.squaredDistances(rows, sample, center.base, workers: workers)
            // At first all weights are equal, which makes the mean.
            let weights = squares.map { iteration == 0 ? 1 : 1 / max($0, 1e-12).squareRoot() }
            guard iteration < Self.iterations else { break }
            let total = weights.reduce(0) { $0 + Double($1) }
            let shares = weights.map { Float(Double($0) / total) }
            center.base.update(repeating: 0, count: center.stride)
            let indices = sample.map { Int32(clamping: $0) }
            indices.withUnsafeBufferPointer { indices in
                shares.withUnsafeBufferPointer { shares in
                    guard let i = indices.baseAddress, let s = shares.baseAddress else { return }
                    addRows(
                        ChosenRows(indices: i, coefficients: s, count: sample.count),
                        of: rows.base, stride: rows.stride, to: center.base)
                }
            }
        }
        squares.sort()
        let median = squares[squares.count / 2]
        self.center = center.values
        factor = median > 0 ? 1 / median.squareRoot() : 1
    }

    /// Shifts and scales all rows.
    public func apply(to rows: PaddedRows, workers: Int) {
        let center = PaddedRows(center, dModel: rows.dModel)
        shareRows(rows.count, among: workers) { r in
            subtract(center.base, from: rows[r], rows.stride)
            scale(rows[r], by: factor, rows.stride)
        }
    }

    private static func squaredDistances(
        _ rows: PaddedRows, _ sample: [Int], _ center: UnsafePointer<Float>, workers: Int
    ) -> [Float] {
        [Float](unsafeUninitializedCapacity: sample.count) { buffer, filled in
            nonisolated(unsafe) let distances = buffer
            shareRows(sample.count, among: workers) { i in
                distances[i] = squaredDistance(rows[sample[i]], center, rows.stride)
            }
            filled = sample.count
        }
    }
}

/// |a - b|^2 of vectors whose length is a multiple of `laneCount`.
func squaredDistance(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
    var lanes = Lanes()
    for j in stride(from: 0, to: count, by: laneCount) {
        let difference = a.lanes(at: j) - b.lanes(at: j)
        lanes.addProduct(difference, difference)
    }
    return lanes.laneSum
}

/// Calls `body` for every row, several rows to an item of shared work.
func shareRows(_ count: Int, among workers: Int, _ body: (_ row: Int) -> Void) {
    let rowsPerItem = 256
    share((count + rowsPerItem - 1) / rowsPerItem, among: workers) { _, item in
        for r in item * rowsPerItem..<min((item + 1) * rowsPerItem, count) { body(r) }
    }
}

/// Weights of standardized rows in the loss: 1 up to the median squared length, and above it such that
/// a vector of any length counts as much as one of that length.
public func tokenWeights(_ rows: PaddedRows, count: Int) -> [Float] {
    (0..<count).map { 1 / max(1, dot(rows[$0], rows[$0], rows.stride)) }
}
