// SPDX-License-Identifier: Apache-2.0
// Attention of one sequence in one layer, by blocks of rows.

import Tensors

/// Runs the heads of one layer for one sequence.
struct Attention {
    let description: ModelDescription
    let layer: Int
    let sequence: Int
    let length: Int
    let workspace: Workspace
    let shape: ModelDescription.HeadShape
    /// Of each head; empty where there are none.
    let sinks: [Float]
    /// What is added to the scores of each head by key; nil where nothing is.
    let keyBiases: KeyBiasTable?
    /// W_O of all heads as it is stored, [dModel, zWidth]; nil where it is not needed.
    let output: UnsafePointer<Float>?

    /// Query rows handled at a time: few enough that the upper triangle is mostly left out, enough
    /// to keep the matrix products efficient.
    private static let blockRows = 64

    private var mask: AttentionMask {
        let kind = description.layers[layer]
        return AttentionMask(
            isCausal: description.isCausal, window: kind.window, halfWindow: kind.halfWindow,
            chunk: kind.chunk, length: length)
    }

    /// Runs a head that nobody studies.
    func run(head: Int) {
        forEachBlock(head: head, headIndex: -1) { block in
            block.softmax()
            addOutput(block, head: head)
        }
    }

    /// Runs a studied head under the eyes of a visitor.
    func run<Visitor: AttentionVisitor>(
        head: Int, headIndex: Int, visitor: Visitor, needsOutput: Bool
    ) {
        forEachBlock(head: head, headIndex: headIndex) { block in
            visitor.attend(block)
            if needsOutput { addOutput(block, head: head) }
        }
        let kv = shape.kvHead(of: head)
        visitor.finish(
            HeadView(
                layer: layer, head: head, headIndex: headIndex, sequence: sequence, length: length,
                dHead: shape.dHead, dValue: shape.dValue, attention: workspace.scores,
                attentionStride: workspace.scoreStride,
                q: workspace.qkv + head * shape.dHead,
                k: workspace.qkv + shape.keyOffset(kv), v: workspace.qkv + shape.valueOffset(kv),
                qkvStride: shape.qkvWidth,
                z: needsOutput ? UnsafePointer(workspace.z + head * shape.dValue) : nil,
                gate: description.gatesOutput
                    ? UnsafePointer(workspace.gate + head * shape.dValue) : nil,
                zStride: shape.zWidth, output: output.map { $0 + head * shape.dValue }, mask: mask))
    }

    /// Computes the scores block by block and hands each over.
    @inline(__always)
    private func forEachBlock(head: Int, headIndex: Int, _ body: (ScoreBlock) -> Void) {
        let d = description
        let mask = mask
        let (q, k) = (
            workspace.qkv + head * shape.dHead,
            workspace.qkv + shape.keyOffset(shape.kvHead(of: head))
        )
        for start in stride(from: 0, to: length, by: Self.blockRows) {
            let queries = start..<min(start + Self.blockRows, length)
            let keys =
                mask.visibleKeys(of: start)
                .lowerBound..<mask.visibleKeys(of: queries.upperBound - 1).upperBound
            let block = ScoreBlock(
                layer: layer, headIndex: headIndex, sequence: sequence, queries: queries,
                keys: keys, scores: workspace.scores + start * workspace.scoreStride,
                stride: workspace.scoreStride, sink: sinks.isEmpty ? nil : sinks[head], mask: mask)
            multiply(
                queries.count, keys.count, shape.dHead,
                q + start * shape.qkvWidth, shape.qkvWidth, .asStored,
                k + keys.lowerBound * shape.qkvWidth, shape.qkvWidth, .transposed,
                into: block.scores + keys.lowerBound, block.stride, alpha: d.scoreScale)
            if let cap = d.scoreSoftCap { block.softCap(cap) }
            keyBiases?.add(head: head, to: block)
            body(block)
        }
    }

    /// z = attention @ v for the block's rows.
    private func addOutput(_ block: ScoreBlock, head: Int) {
        let v = workspace.qkv + shape.valueOffset(shape.kvHead(of: head))
        let zStride = shape.zWidth
        multiply(
            block.queries.count, shape.dValue, block.keys.count,
            block.scores + block.keys.lowerBound, block.stride, .asStored,
            v + block.keys.lowerBound * shape.qkvWidth, shape.qkvWidth, .asStored,
            into: workspace.z + block.queries.lowerBound * zStride + head * shape.dValue, zStride)
    }
}

/// A key bias for every head and position, ready to be added.
struct KeyBiasTable: Sendable {
    /// [nHeads, stride].
    private let values: [Float]
    private let stride: Int

    init(_ bias: KeyBias, positions: Int) {
        let stride = positions + laneCount
        self.stride = stride
        values = bias.slopes.indices.flatMap { head in
            (0..<stride).map { bias(head: head, key: $0) }
        }
    }

    /// Adds the head's bias to every computed score.
    func add(head: Int, to block: ScoreBlock) {
        values.withUnsafeBufferPointer { values in
            guard let base = values.baseAddress else { return }
            let bias = base + head * stride
            for q in block.queries {
                let row = block.row(q)
                var k = block.keys.lowerBound
                while k < block.keys.upperBound {
                    row.store(row.lanes(at: k) + bias.lanes(at: k), at: k)
                    k += laneCount
                }
            }
        }
    }
}
