// SPDX-License-Identifier: Apache-2.0
// The dictionary that training begins with.

import Tensors

extension TopKAutoencoder {
    /// Random directions, read and written by the same row: encoder = decoder^T (Gao et al. 2024).
    func initialize(from rows: PaddedRows, count: Int, seed: UInt64) {
        var random = RandomStream(seed: seed, purpose: 1)
        for f in 0..<features {
            let direction = decoder[f]
            for i in 0..<dModel { direction[i] = Float(random.nextNormal()) }
            scale(
                direction, by: 1 / dot(direction, direction, decoder.stride).squareRoot(),
                decoder.stride)
            encoder[f].update(from: direction, count: decoder.stride)
        }
    }
}
