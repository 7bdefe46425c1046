// SPDX-License-Identifier: Apache-2.0
// A worker's eye on the forward pass: the residual stream that enters a layer becomes codes.

import Transformer

/// Encodes the sequences of one batch after another at the dictionary's layer.
public final class EvidenceVisitor: AttentionVisitor {
    /// The codes of the sequences that this worker saw, by their index in the batch, since `begin`.
    public private(set) var codes: [(sequence: Int, codes: SparseCodes)] = []
    private let encoder: FeatureEncoder

    /// A visitor of the layer whose input the dictionary describes.
    public init(_ dictionary: FeatureDictionary) { encoder = FeatureEncoder(dictionary) }

    /// Turns to the next batch.
    public func begin() { codes.removeAll(keepingCapacity: true) }

    public func needsOutput(ofSequence sequence: Int) -> Bool { false }

    public func enter(_ layer: LayerView) {
        guard layer.layer == encoder.dictionary.layer else { return }
        var own = SparseCodes()
        encoder.encode(layer.residual, rows: layer.length, into: &own)
        codes.append((layer.sequence, own))
    }

    public func attend(_ block: ScoreBlock) { block.softmax() }

    public func finish(_ head: HeadView) {}
}
