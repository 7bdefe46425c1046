// SPDX-License-Identifier: Apache-2.0
// A cloud of points whose numbers are known to be usable.

import UserErrors

/// `count` points of `dimensions` coordinates each, all finite.
public struct Points: Sendable, Equatable {
    /// [count, dimensions], row-major.
    public let values: [Float]
    /// The number of points.
    public let count: Int
    /// The number of coordinates of a point, at least 1.
    public let dimensions: Int

    /// The largest magnitude a coordinate may have. Sums of squares of such numbers fit a Float64, and
    /// their projections a Float32.
    public static let largestMagnitude: Float = 1e30

    /// Takes `values`, [n, dimensions] row-major, once it is checked.
    ///
    /// - Throws: `UserError` when the rows are cut short, too wide or too many, or when a value is
    ///   not finite or larger than `largestMagnitude`; the sentence names the first such row.
    public init(_ values: [Float], dimensions: Int) throws {
        guard (1...65_536).contains(dimensions) else {
            throw UserError(
                "Points have \(dimensions) dimensions; pass between 1 and 65536.")
        }
        guard values.count.isMultiple(of: dimensions) else {
            throw UserError(
                "\(values.count) values do not make whole points of \(dimensions) dimensions;"
                    + " pass a multiple of \(dimensions).")
        }
        guard values.count / dimensions <= 4_000_000 else {
            throw UserError(
                "\(values.count / dimensions) points are more than 4000000; pass fewer points.")
        }
        if let bad = values.firstIndex(where: { !($0.magnitude <= Self.largestMagnitude) }) {
            throw UserError(
                "Point \(bad / dimensions) holds \(values[bad]), where finite numbers below 1e30"
                    + " are needed; leave such points out.")
        }
        self.values = values
        self.count = values.count / dimensions
        self.dimensions = dimensions
    }

    /// For values made here from points that were checked.
    init(unchecked values: [Float], dimensions: Int) {
        self.values = values
        self.count = values.count / dimensions
        self.dimensions = dimensions
    }

    /// [dimensions]: the mean of the points, zero when there are none.
    package var mean: [Double] {
        var sum = [Double](repeating: 0, count: dimensions)
        values.withUnsafeBufferPointer { values in
            for row in 0..<count {
                for column in 0..<dimensions {
                    sum[column] += Double(values[row * dimensions + column])
                }
            }
        }
        return sum.map { $0 / Double(max(count, 1)) }
    }
}
