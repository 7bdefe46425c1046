// SPDX-License-Identifier: Apache-2.0
// A worker's eye on the forward pass: the residual streams that enter some layers, or what their heads put out, become
// codes.

import Transformer

/// Encodes the sequences of one batch after another at each dictionary's layer.
public final class EvidenceVisitor: AttentionVisitor {
    /// By dictionary, the codes of the sequences that this worker saw since `begin`, by their index in the batch.
    public private(set) var codes: [[(sequence: Int, codes: SparseCodes)]]
    private let encoders: [(encoder: FeatureEncoder, place: DictionaryPlace)]
    /// z of all heads of the sequence and layer that are being finished, [length, nHeads dValue], and how many are.
    private var outputs: [Float] = []
    private var finished = 0

    /// A visitor of the layers that the dictionaries describe; of those of heads' outputs the pass must show all heads.
    public init(_ dictionaries: [(dictionary: FeatureDictionary, place: DictionaryPlace)]) {
        encoders = dictionaries.map { (FeatureEncoder($0.dictionary), $0.place) }
        codes = dictionaries.map { _ in [] }
    }

    /// Turns to the next batch.
    public func begin() {
        for i in codes.indices { codes[i].removeAll(keepingCapacity: true) }
    }

    public func needsOutput(ofSequence sequence: Int) -> Bool {
        encoders.contains { $0.place == .headOutputs }
    }

    public func enter(_ layer: LayerView) {
        if let i = index(of: .residualStream, layer.layer) {
            encode(layer.residual, of: layer.sequence, length: layer.length, by: i)
        }
        guard let i = index(of: .headOutputs, layer.layer) else { return }
        let width = encoders[i].encoder.dictionary.dModel
        outputs = [Float](repeating: 0, count: layer.length * width)
        finished = 0
    }

    private func index(of place: DictionaryPlace, _ layer: Int) -> Int? {
        encoders.firstIndex { $0.place == place && $0.encoder.dictionary.layer == layer }
    }

    private func encode(
        _ rows: UnsafePointer<Float>, of sequence: Int, length: Int, by index: Int
    ) {
        var own = SparseCodes()
        encoders[index].encoder.encode(rows, rows: length, into: &own)
        codes[index].append((sequence, own))
    }

    public func attend(_ block: ScoreBlock) { block.softmax() }

    public func finish(_ head: HeadView) {
        guard let i = index(of: .headOutputs, head.layer), let z = head.z else { return }
        let width = encoders[i].encoder.dictionary.dModel
        for position in 0..<head.length {
            let (from, to) = (position * head.zStride, position * width + head.head * head.dValue)
            for k in 0..<head.dValue {
                outputs[to + k] = z[from + k] * (head.gate.map { $0[from + k] } ?? 1)
            }
        }
        finished += 1
        guard finished * head.dValue == width else { return }
        outputs.withUnsafeBufferPointer { outputs in
            guard let rows = outputs.baseAddress else { return }
            encode(rows, of: head.sequence, length: head.length, by: i)
        }
    }
}
