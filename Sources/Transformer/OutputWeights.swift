// SPDX-License-Identifier: Apache-2.0
// A head's own share of the output projection.

extension Model {
    /// W_O of one query head: what maps its z to its contribution to the residual stream.
    ///
    /// - Returns: [dHead, dModel], row-major.
    public func outputWeights(of head: HeadAddress) throws -> [Float] {
        let d = description
        let part = tensors.layers[head.layer].output.parts[0]
        let stored = try stored(part.tensor, shape: part.storedShape)
        let columns = head.head * d.dHead..<(head.head + 1) * d.dHead
        return [Float](unsafeUninitializedCapacity: d.dHead * d.dModel) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            switch part.layout {
            case .columns:
                // Stored as [in, out]: the head's rows are W_O as it is wanted.
                stored.widen(rows: columns, into: base)
            default:
                stored.widenTransposed(columns: columns, into: base)
            }
            count = d.dHead * d.dModel
        }
    }
}
