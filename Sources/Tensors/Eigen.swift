// SPDX-License-Identifier: Apache-2.0
// Eigenvalues and eigenvectors of small symmetric matrices, by LAPACK.

import COpenBLAS
import UserErrors

/// The eigendecomposition A = V^T diag(values) V of a real symmetric matrix.
public struct SymmetricEigen: Sendable {
    /// [order], ascending.
    public let values: [Double]
    /// [order, order], row-major: row i is the unit eigenvector of `values[i]`.
    public let vectors: [Double]

    /// Decomposes `matrix`, [order, order]; only its upper triangle (column >= row) is read.
    ///
    /// - Throws: `UserError` when the size is not order x order, when an entry is not finite, or when
    ///   LAPACK's divide and conquer does not converge.
    public init(_ matrix: [Double], order: Int) throws {
        let (area, overflow) = order.multipliedReportingOverflow(by: order)
        guard order >= 0, !overflow, matrix.count == area, order <= 20_000 else {
            throw UserError(
                "A matrix of \(matrix.count) values is not symmetric of order \(order)"
                    + " (at most 20000); pass order x order values.")
        }
        guard matrix.allSatisfy(\.isFinite) else {
            throw UserError(
                "A symmetric matrix of order \(order) holds a value that is not finite;"
                    + " check the vectors it was made from.")
        }
        guard order > 0 else {
            (values, vectors) = ([], [])
            return
        }
        BLAS.prepare()
        var vectors = matrix
        var values = [Double](repeating: 0, count: order)
        // Row-major is column-major transposed: LAPACK's lower triangle is our upper one, and the
        // eigenvectors that it leaves in columns are our rows.
        var n = Int32(order)
        var info: Int32 = 0
        var workSize: Int32 = -1
        var integerWorkSize: Int32 = -1
        var wantedWork = 0.0
        var wantedIntegers: Int32 = 0
        dsyevd_(
            "V", "L", &n, &vectors, &n, &values, &wantedWork, &workSize, &wantedIntegers,
            &integerWorkSize, &info)
        workSize = Int32(wantedWork)
        integerWorkSize = wantedIntegers
        var work = [Double](repeating: 0, count: Int(workSize))
        var integerWork = [Int32](repeating: 0, count: Int(integerWorkSize))
        dsyevd_(
            "V", "L", &n, &vectors, &n, &values, &work, &workSize, &integerWork,
            &integerWorkSize, &info)
        guard info == 0 else {
            throw UserError(
                "LAPACK's dsyevd did not converge on a matrix of order \(order)"
                    + " (info \(info)); check the vectors it was made from.")
        }
        self.values = values
        self.vectors = vectors
    }
}
