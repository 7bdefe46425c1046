// SPDX-License-Identifier: Apache-2.0
// The residual streams that enter some layers, kept as rows to train on.

import Transformer

/// A visitor that copies the residual stream entering each studied layer. All workers share it: each
/// sequence has rows of its own.
public final class ResidualCollector: AttentionVisitor {
    /// By layer, [tokens, dModel].
    public let rows: [Int: PaddedRows]
    /// The row of the first token of each sequence of the batch.
    public var starts: [Int] = []

    /// Room for so many tokens at each layer.
    public init(layers: [Int], tokens: Int, dModel: Int) {
        rows = Dictionary(
            uniqueKeysWithValues: layers.map { ($0, PaddedRows(tokens, dModel: dModel)) })
    }

    public func needsOutput(ofSequence sequence: Int) -> Bool { false }

    public func enter(_ view: LayerView) {
        guard let rows = rows[view.layer] else { return }
        for p in 0..<view.length {
            rows[starts[view.sequence] + p].update(
                from: view.residual + p * view.dModel, count: view.dModel)
        }
    }

    public func attend(_ block: ScoreBlock) { block.softmax() }

    public func finish(_ view: HeadView) {}
}
