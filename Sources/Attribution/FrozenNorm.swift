// SPDX-License-Identifier: Apache-2.0
// A norm of one vector with its scale held as it was: a linear map of the vector's parts.

import Transformer

/// norm(x) = scale (x - mean(x)) weight + bias, where only the scale is not linear in x. Held at the
/// value it had for the whole of x, what it makes of the parts of x adds up to what it made of x.
struct FrozenNorm {
    private let isCentred: Bool
    /// scale * weight.
    private let factors: [Double]

    /// - Parameter x: the whole vector.
    init(_ norm: NormWeights, at x: [Double]) {
        let count = Double(x.count)
        let epsilon: Float
        switch norm.kind {
        case .layer(let value, _): (isCentred, epsilon) = (true, value)
        case .rootMeanSquare(let value, _): (isCentred, epsilon) = (false, value)
        }
        let mean = isCentred ? x.reduce(0, +) / count : 0
        let square = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        let scale = 1 / (square + Double(epsilon)).squareRoot()
        factors = norm.weight.map { scale * Double($0) }
    }

    /// What the norm makes of each row, without its bias.
    func apply(to rows: Matrix) -> Matrix {
        var result = rows
        for row in 0..<rows.rows {
            let mean = isCentred ? rows[row].reduce(0, +) / Double(rows.columns) : 0
            for i in 0..<rows.columns { result[row, i] = (rows[row, i] - mean) * factors[i] }
        }
        return result
    }

    /// Rows t' such that t' · x = t · apply(x) for every x.
    func applyTransposed(to rows: Matrix) -> Matrix {
        var result = rows
        for row in 0..<rows.rows {
            for i in 0..<rows.columns { result[row, i] *= factors[i] }
            guard isCentred else { continue }
            let mean = result[row].reduce(0, +) / Double(rows.columns)
            for i in 0..<rows.columns { result[row, i] -= mean }
        }
        return result
    }
}
