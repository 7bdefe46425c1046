// SPDX-License-Identifier: Apache-2.0
// A matrix of weights as products read it.

import Tensors

/// A matrix of weights W, [rows, columns], in memory that belongs to someone else.
struct WeightMatrix {
    let rows: Int
    let columns: Int
    /// By rows.
    let values: UnsafeMutablePointer<Float>
    /// The same in bfloat16, where that is what is multiplied.
    let packed: PackedMatrix?

    /// y = scale x W^T, or with `adding` y += scale x W^T.
    ///
    /// - Parameters:
    ///   - x: [length, columns]; `xStride` is the distance between its rows.
    ///   - y: [length, rows]; `yStride` likewise.
    func multiply(
        _ length: Int, _ x: UnsafePointer<Float>, _ xStride: Int,
        into y: UnsafeMutablePointer<Float>, _ yStride: Int, scale: Float = 1, adding: Bool = false
    ) {
        if let packed {
            packed.multiply(length, x, xStride, into: y, yStride, scale: scale, adding: adding)
        } else {
            Tensors.multiply(
                length, rows, columns, x, xStride, .asStored, values, columns, .transposed,
                into: y, yStride, alpha: scale, beta: adding ? 1 : 0)
        }
    }

    /// Packs those of the matrices that are multiplied in bfloat16, from their values.
    static func pack(_ matrices: [WeightMatrix], workers: Int) {
        let panels = matrices.flatMap { matrix in
            (0..<(matrix.packed?.panelCount ?? 0)).map { (matrix, $0) }
        }
        share(panels.count, among: workers) { _, index in
            let (matrix, panel) = panels[index]
            matrix.packed?.pack(panel: panel, of: matrix.values)
        }
    }
}
