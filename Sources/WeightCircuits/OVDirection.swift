// SPDX-License-Identifier: Apache-2.0
// The directions that a head carries from the key to the query: singular pairs of its OV circuit.

import Tensors
import Transformer

/// One singular pair of W_V^T W_O, [dModel, dModel]: what the residual stream holds along `reads` at the key, the head
/// adds `strength` times along `writes` at the query.
public struct OVDirection: Sendable {
    /// The singular value s.
    public let strength: Double
    /// s² over the sum of all of them: 1 for a head that carries this direction alone.
    public let share: Double
    /// Unit vectors, [dModel]. The sign of both together is arbitrary.
    public let reads: [Float]
    public let writes: [Float]

    /// The strongest pairs of a head, strongest first; fewer where it carries fewer.
    ///
    /// The circuit has the rank of a head, so the pairs are found in its own width: with F^T F = W_O W_O^T, the s² are the
    /// eigenvalues of F W_V W_V^T F^T. Of a unit eigenvector w of it, W_V^T F^T w / s is read, and W_O^T y written,
    /// where y = W_V W_V^T F^T w / s².
    public static func leading(_ count: Int, of head: FoldedHead) throws -> [OVDirection] {
        let width = head.dModel
        let order = head.value.count / width
        let values = gram(head.value, width)
        let f = try factor(gram(head.output, width), order: order).map(Double.init)
        var readsF = [Double](repeating: 0, count: order * order)  // F W_V W_V^T
        multiply(
            order, order, order, f, order, .asStored, values, order, .asStored, into: &readsF, order
        )
        var squares = [Double](repeating: 0, count: order * order)
        multiply(
            order, order, order, readsF, order, .asStored, f, order, .transposed, into: &squares,
            order)
        let eigen = try SymmetricEigen(squares, order: order)
        let total = eigen.values.reduce(0) { $0 + max(0, $1) }
        return (0..<min(count, order)).compactMap { rank in
            let row = order - 1 - rank
            let square = eigen.values[row]
            // What is left of a direction that is not carried is rounding.
            guard square > 1e-10 * total else { return nil }
            let w = eigen.vectors[row * order..<(row + 1) * order]
            let y = combined(w, of: readsF, order).map { $0 / square }
            let carried = combined(w, of: f, order).map { $0 / square.squareRoot() }
            return OVDirection(
                strength: square.squareRoot(), share: square / total,
                reads: combined(carried[...], of: head.value, width),
                writes: combined(y[...], of: head.output, width))
        }
    }

    /// The sum of the rows of `matrix`, [weights.count, width], each times its weight.
    private static func combined<Scalar: BinaryFloatingPoint>(
        _ weights: ArraySlice<Double>, of matrix: [Scalar], _ width: Int
    ) -> [Scalar] {
        var sum = [Double](repeating: 0, count: width)
        for (i, weight) in weights.enumerated() {
            for j in 0..<width { sum[j] += weight * Double(matrix[i * width + j]) }
        }
        return sum.map { Scalar($0) }
    }
}
