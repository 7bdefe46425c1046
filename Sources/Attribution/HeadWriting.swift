// SPDX-License-Identifier: Apache-2.0
// What one head adds to the end of the residual stream at a position, by the key that it came from.

import Transformer

/// The rows of a head's output at one position.
public struct HeadWriting: Sendable {
    /// The head's row of attention, [length].
    public let attention: [Float]
    /// What came from each key, as it stands in the stream after its last step, [length, dModel]: norms
    /// on the way have their scale held and their biases left out.
    let rows: Matrix

    /// What came from one key, [dModel].
    public func row(_ key: Int) -> [Double] { Array(rows[key]) }

    /// What the head adds from all its keys, [dModel].
    public var total: [Double] { rows.rowSum }
}

extension ResidualTrace {
    /// What a head writes at the `row`-th position.
    ///
    /// - Precondition: the head was in the selection, with all of its layer where the model normalises what
    ///   attention adds, and the pass went on after its attention.
    public func writing(of head: HeadAddress, row: Int, _ model: Model) throws -> HeadWriting {
        let shape = model.description.shape(of: head.layer)
        let output = try AttentionOutput(of: model, layer: head.layer)
        guard let layer = layers[head.layer], !layer.z.isEmpty,
            let place = steps.firstIndex(where: { step in
                if case .attention = step.kind { step.layer == head.layer } else { false }
            })
        else { preconditionFailure("the pass ended before the head wrote") }
        let attention = Array(attention(of: head, row: row))
        let start = head.head * shape.dValue
        var carried = values(of: head, shape)
        for key in 0..<length {
            for i in 0..<shape.dValue {
                let gate = layer.gate.isEmpty ? 1 : layer.gate[row * shape.zWidth + start + i]
                carried[key, i] *= Double(attention[key] * gate)
            }
        }
        let weights = Matrix(
            columns: output.matrix.columns,
            (start..<start + shape.dValue).flatMap { output.matrix[$0] })
        var rows = carried.times(weights)
        let z = layer.z[row * shape.zWidth..<(row + 1) * shape.zWidth].map(Double.init)
        if let norm = output.frozenNorm(at: z) { rows = norm.apply(to: rows) }
        for (index, step) in steps.enumerated().dropFirst(place + 1) {
            switch step.kind {
            case .norm(let norm):
                rows = FrozenNorm(norm, at: stream(after: index - 1, row: row)).apply(to: rows)
            case .scale(let factor): rows = rows.scaled(by: Double(factor))
            default: break
            }
        }
        return HeadWriting(attention: attention, rows: rows)
    }
}
