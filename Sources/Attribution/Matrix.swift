// SPDX-License-Identifier: Apache-2.0
// Small matrices in Float64: the parts of a vector and what becomes of them.

import Tensors

/// A row-major matrix.
struct Matrix: Sendable, Equatable {
    private(set) var rows: Int
    let columns: Int
    private(set) var values: [Double]

    /// - Parameter values: as many as whole rows hold.
    init(columns: Int, _ values: [Double]) {
        precondition(columns > 0 && values.count.isMultiple(of: columns))
        self.columns = columns
        self.values = values
        rows = values.count / columns
    }

    init(columns: Int, _ values: [Float]) { self.init(columns: columns, values.map(Double.init)) }

    subscript(row: Int) -> ArraySlice<Double> { values[row * columns..<(row + 1) * columns] }

    subscript(row: Int, column: Int) -> Double {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    /// Adds a row at the end.
    mutating func append(_ row: [Double]) {
        precondition(row.count == columns)
        values += row
        rows += 1
    }

    /// The first rows.
    func prefix(_ count: Int) -> Matrix {
        Matrix(columns: columns, Array(values.prefix(count * columns)))
    }

    /// The sum of the rows.
    var rowSum: [Double] {
        var sum = [Double](repeating: 0, count: columns)
        for row in 0..<rows { for i in 0..<columns { sum[i] += values[row * columns + i] } }
        return sum
    }

    /// Every value times `factor`.
    func scaled(by factor: Double) -> Matrix {
        Matrix(columns: columns, values.map { $0 * factor })
    }

    /// This matrix times another with as many rows as this one has columns.
    func times(_ other: Matrix) -> Matrix {
        precondition(columns == other.rows)
        return product(other, .asStored, columns: other.columns)
    }

    /// This matrix times the transpose of another with as many columns.
    func timesTransposed(_ other: Matrix) -> Matrix {
        precondition(columns == other.columns)
        return product(other, .transposed, columns: other.rows)
    }

    private func product(
        _ other: Matrix, _ orientation: MatrixOrientation, columns n: Int
    ) -> Matrix {
        let product = [Double](unsafeUninitializedCapacity: rows * n) { buffer, count in
            count = rows * n
            values.withUnsafeBufferPointer { a in
                other.values.withUnsafeBufferPointer { b in
                    guard let a = a.baseAddress, let b = b.baseAddress, let c = buffer.baseAddress
                    else { return }
                    multiply(
                        rows, n, columns, a, columns, .asStored, b, other.columns, orientation,
                        into: c, n)
                }
            }
        }
        return Matrix(columns: n, product)
    }
}

/// The scalar product.
func dot(_ a: some Sequence<Double>, _ b: some Sequence<Double>) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
}
