// SPDX-License-Identifier: Apache-2.0
// Which features fire at some rows.

import Tensors

/// Encodes up to a chunk of rows: one matrix product, and the k largest of each row of it. Every
/// worker has its own, with the memory for the product.
final class RowEncoder {
    private let autoencoder: TopKAutoencoder
    private let selector: TopKSelector
    /// [rows, features], before the bias.
    private let products: PaddedRows

    init(_ autoencoder: TopKAutoencoder, rows: Int) {
        self.autoencoder = autoencoder
        products = PaddedRows(rows, dModel: autoencoder.features)
        selector = TopKSelector(k: autoencoder.k, count: products.stride)
    }

    /// Writes the features that fire at row r, ascending, and their activations from r * k on, and how
    /// many there are to counts[r].
    ///
    /// - Parameter inputs: [count, dModel], with the stride of the decoder's rows.
    func encode(
        _ inputs: UnsafePointer<Float>, count: Int, features: UnsafeMutablePointer<Int32>,
        activations: UnsafeMutablePointer<Float>, counts: UnsafeMutablePointer<Int32>
    ) {
        precondition(count <= products.count)
        let (encoder, k) = (autoencoder.encoder, autoencoder.k)
        multiply(
            count, encoder.count, encoder.dModel, inputs, encoder.stride, .asStored, encoder.base,
            encoder.stride, .transposed, into: products.base, products.stride)
        let bias = autoencoder.encoderBias.base
        for r in 0..<count {
            let found = selector.select(
                products[r], plus: bias, into: features + r * k, activations + r * k)
            counts[r] = Int32(truncatingIfNeeded: found)
        }
    }
}
