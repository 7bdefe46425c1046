// SPDX-License-Identifier: Apache-2.0
// Keeps every intermediate of one sequence, for comparison with a reference.

/// A visitor that copies everything the forward pass shows of one sequence. Give it a selection of
/// whole layers; scores that the mask hides are NaN.
public final class Recorder: AttentionVisitor {
    /// One layer's intermediates; H query heads, Hkv key/value heads, S tokens.
    public struct Layer: Sendable {
        /// [H, S, S].
        public var attention: [Float]
        /// [H, S, S].
        public var scores: [Float]
        /// [H, S, dHead].
        public var q: [Float]
        /// [Hkv, S, dHead].
        public var k: [Float]
        /// [Hkv, S, dValue].
        public var v: [Float]
        /// [H, S, dValue], before any gate.
        public var z: [Float]
        /// [H, S, dValue], as W_O reads it in a model that gates z; empty otherwise.
        public var gatedZ: [Float]
        /// [S, dModel].
        public var residual: [Float]
        /// [S, dModel].
        public var attentionInput: [Float]
    }

    /// What was seen, by layer.
    public private(set) var layers: [Int: Layer] = [:]
    private let description: ModelDescription
    private let selection: HeadSelection

    /// A recorder for the heads of `selection`.
    public init(_ description: ModelDescription, selection: HeadSelection) {
        self.description = description
        self.selection = selection
    }

    public func needsOutput(ofSequence sequence: Int) -> Bool { true }

    public func enter(_ view: LayerView) {
        let (d, shape) = (description, view.shape)
        let (s, h) = (view.length, shape.nHeads)
        func heads(_ count: Int, from offset: Int, width: Int) -> [Float] {
            (0..<count).flatMap { head in
                (0..<s).flatMap { p in
                    UnsafeBufferPointer(
                        start: view.qkv + p * view.stride + offset + head * width, count: width)
                }
            }
        }
        let nKV = shape.nKVHeads
        layers[view.layer] = Layer(
            attention: [Float](repeating: 0, count: h * s * s),
            scores: [Float](repeating: .nan, count: h * s * s),
            q: heads(h, from: 0, width: shape.dHead),
            k: heads(nKV, from: shape.keyOffset(0), width: shape.dHead),
            v: heads(nKV, from: shape.valueOffset(0), width: shape.dValue),
            z: [Float](repeating: 0, count: h * s * shape.dValue),
            gatedZ: d.gatesOutput ? [Float](repeating: 0, count: h * s * shape.dValue) : [],
            residual: Array(UnsafeBufferPointer(start: view.residual, count: s * d.dModel)),
            attentionInput: Array(
                UnsafeBufferPointer(start: view.attentionInput, count: s * d.dModel)))
    }

    public func attend(_ block: ScoreBlock) {
        let head = selection.heads[block.headIndex].head
        for q in block.queries {
            let row = block.row(q)
            for k in block.visibleKeys(of: q) {
                layers[block.layer]?.scores[(head * block.length + q) * block.length + k] = row[k]
            }
        }
        block.softmax()
    }

    public func finish(_ view: HeadView) {
        let s = view.length
        for p in 0..<s {
            let row = (view.head * s + p) * s
            for k in 0..<s {
                // Blocks leave columns they did not compute as they were: the mask says which count.
                layers[view.layer]?.attention[row + k] =
                    view.visibleKeys(of: p).contains(k)
                    ? view.attention[p * view.attentionStride + k] : 0
            }
            guard let z = view.z else { continue }
            for i in 0..<view.dValue {
                let target = (view.head * s + p) * view.dValue + i
                layers[view.layer]?.z[target] = z[p * view.zStride + i]
                if let gate = view.gate {
                    layers[view.layer]?.gatedZ[target] =
                        z[p * view.zStride + i] * gate[p * view.zStride + i]
                }
            }
        }
    }
}
