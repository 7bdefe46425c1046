// SPDX-License-Identifier: Apache-2.0
// The one error of this module.

import Tensors

/// Why points cannot be projected: one sentence that names the parameter and says what to do.
public struct ProjectionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The sentence.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// The eigendecomposition of `matrix`, with this module's error.
func decomposed(_ matrix: [Double], order: Int) throws(ProjectionError) -> SymmetricEigen {
    do {
        return try SymmetricEigen(matrix, order: order)
    } catch {
        throw ProjectionError(error.description)
    }
}
