// SPDX-License-Identifier: Apache-2.0
// Queries, keys and values by way of low-rank vectors.
// Reference: DeepSeek-V2 (2024); transformers, models/deepseek_v3/modeling_deepseek_v3.py.

import Tensors

extension Block {
    /// Fills q, k and v: q and k are [own | rotary] for each head, with the rotary part of k the same in all.
    ///
    /// - Returns: whether every value was finite.
    func projectLatent(_ input: UnsafePointer<Float>, length: Int) -> Bool {
        guard let latent = description.latent else { return false }
        let dModel = description.dModel
        let scratch = workspace.scratch
        var isFinite = true
        if let rank = latent.queryRank {
            product(input, dModel, .latentQuery, rows: rank, into: scratch, length: length)
            isFinite =
                weights.latentQueryNorm?.normalize(length, scratch, rank, into: scratch, rank)
                ?? true
            product(
                scratch, rank, .latentQueryUp, rows: shape.nHeads * shape.dHead,
                into: workspace.qkv,
                stride: shape.qkvWidth, length: length)
        } else {
            product(
                input, dModel, .latentQueryUp, rows: shape.nHeads * shape.dHead,
                into: workspace.qkv,
                stride: shape.qkvWidth, length: length)
        }
        let low = latent.keyValueRank + latent.dRotary
        let perHead = latent.dOwn + shape.dValue
        let spread = scratch + length * low
        product(input, dModel, .latentKeyValue, rows: low, into: scratch, length: length)
        // The rotary part stands beside the low-rank vector and is left as it is.
        isFinite =
            (weights.latentKeyValueNorm?.normalize(length, scratch, low, into: scratch, low) ?? true)
            && isFinite
        product(
            scratch, latent.keyValueRank, .latentKeyValueUp, rows: shape.nHeads * perHead,
            into: spread,
            inputStride: low, length: length)
        for position in 0..<length {
            let row = workspace.qkv + position * shape.qkvWidth
            let rotary = scratch + position * low + latent.keyValueRank
            for head in 0..<shape.nHeads {
                let source = spread + (position * shape.nHeads + head) * perHead
                let key = row + shape.keyOffset(head)
                key.update(from: source, count: latent.dOwn)
                (key + latent.dOwn).update(from: rotary, count: latent.dRotary)
                (row + shape.valueOffset(head)).update(
                    from: source + latent.dOwn, count: shape.dValue)
            }
        }
        return isFinite
    }
}
