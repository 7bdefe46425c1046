// SPDX-License-Identifier: Apache-2.0
// A worker's eye on the forward pass: the residual streams that enter some layers become codes.

import Transformer

/// Encodes the sequences of one batch after another at each dictionary's layer.
public final class EvidenceVisitor: AttentionVisitor {
    /// By dictionary, the codes of the sequences that this worker saw since `begin`, by their index in the batch.
    public private(set) var codes: [[(sequence: Int, codes: SparseCodes)]]
    private let encoders: [FeatureEncoder]

    /// A visitor of the layers whose inputs the dictionaries describe, one of each.
    public init(_ dictionaries: [FeatureDictionary]) {
        encoders = dictionaries.map { FeatureEncoder($0) }
        codes = dictionaries.map { _ in [] }
    }

    /// Turns to the next batch.
    public func begin() {
        for i in codes.indices { codes[i].removeAll(keepingCapacity: true) }
    }

    public func needsOutput(ofSequence sequence: Int) -> Bool { false }

    public func enter(_ layer: LayerView) {
        guard let i = encoders.firstIndex(where: { $0.dictionary.layer == layer.layer }) else {
            return
        }
        var own = SparseCodes()
        encoders[i].encode(layer.residual, rows: layer.length, into: &own)
        codes[i].append((layer.sequence, own))
    }

    public func attend(_ block: ScoreBlock) { block.softmax() }

    public func finish(_ head: HeadView) {}
}
