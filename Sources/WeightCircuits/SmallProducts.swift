// SPDX-License-Identifier: Apache-2.0
// Products of a head's matrices that leave the residual stream's width.

import Tensors

/// A M B^T in Float64, of A and B [n, width] and M [width, width].
func sandwich(_ a: [Float], _ m: [Float], _ b: [Float], _ width: Int) -> [Double] {
    let n = a.count / width
    var left = [Float](repeating: 0, count: n * width)
    multiply(n, width, width, a, width, .asStored, m, width, .asStored, into: &left, width)
    return outer(left, b, width)
}

/// A A^T in Float64, of A [n, width].
func gram(_ a: [Float], _ width: Int) -> [Double] { outer(a, a, width) }

private func outer(_ a: [Float], _ b: [Float], _ width: Int) -> [Double] {
    let (rows, columns) = (a.count / width, b.count / width)
    let (a, b) = (a.map(Double.init), b.map(Double.init))
    var product = [Double](repeating: 0, count: rows * columns)
    multiply(
        rows, columns, width, a, width, .asStored, b, width, .transposed, into: &product, columns)
    return product
}

/// F with F^T F = G, for a positive semidefinite G, [order, order].
func factor(_ g: [Double], order: Int) throws -> [Float] {
    let eigen = try SymmetricEigen(g, order: order)
    var f = [Float](repeating: 0, count: order * order)
    for (i, value) in eigen.values.enumerated() {
        let root = max(0, value).squareRoot()
        for j in 0..<order { f[i * order + j] = Float(root * eigen.vectors[i * order + j]) }
    }
    return f
}
