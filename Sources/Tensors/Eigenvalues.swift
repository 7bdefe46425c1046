// SPDX-License-Identifier: Apache-2.0
// Eigenvalues of small matrices that need not be symmetric, by LAPACK.

import COpenBLAS
import UserErrors

/// The eigenvalues of a real matrix, complex ones in conjugate pairs.
///
/// - Parameter matrix: [order, order], row-major.
/// - Throws: `UserError` when the size is not order x order, when an entry is not finite, or when LAPACK's QR
///   iteration does not converge.
public func eigenvalues(of matrix: [Double], order: Int) throws -> [(
    real: Double, imaginary: Double
)] {
    guard (0...20_000).contains(order), matrix.count == order * order else {
        throw UserError(
            "A matrix of \(matrix.count) values is not of order \(order) (at most 20000).")
    }
    guard matrix.allSatisfy(\.isFinite) else {
        throw UserError("A matrix of order \(order) holds a value that is not finite.")
    }
    guard order > 0 else { return [] }
    BLAS.prepare()
    var matrix = matrix  // Transposed in LAPACK's order, which leaves the eigenvalues as they are.
    var n = Int32(order)
    var one: Int32 = 1
    var info: Int32 = 0
    var real = [Double](repeating: 0, count: order)
    var imaginary = real
    var workSize = Int32(34 * order)
    var work = [Double](repeating: 0, count: Int(workSize))
    var unused = 0.0
    var alsoUnused = 0.0
    dgeev_(
        "N", "N", &n, &matrix, &n, &real, &imaginary, &unused, &one, &alsoUnused, &one, &work,
        &workSize, &info)
    guard info == 0 else {
        throw UserError(
            "LAPACK's dgeev did not converge on a matrix of order \(order) (info \(info)).")
    }
    return zip(real, imaginary).map { ($0, $1) }
}
