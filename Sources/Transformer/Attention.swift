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

    /// Query rows handled at a time: few enough that the upper triangle is mostly left out, enough
    /// to keep the matrix products efficient.
    private static let blockRows = 64

    private var mask: AttentionMask {
        AttentionMask(
            isCausal: description.isCausal, window: description.layers[layer].window,
            length: length)
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
        let d = description
        let kv = d.kvHead(of: head)
        visitor.finish(
            HeadView(
                layer: layer, head: head, headIndex: headIndex, sequence: sequence, length: length,
                dHead: d.dHead, attention: workspace.scores,
                attentionStride: workspace.scoreStride,
                q: workspace.qkv + head * d.dHead,
                k: workspace.qkv + keyOffset(kv), v: workspace.qkv + valueOffset(kv),
                qkvStride: d.qkvWidth, z: needsOutput ? workspace.z + head * d.dHead : nil,
                zStride: d.nHeads * d.dHead, mask: mask))
    }

    private func keyOffset(_ kv: Int) -> Int { (description.nHeads + kv) * description.dHead }

    private func valueOffset(_ kv: Int) -> Int {
        (description.nHeads + description.nKVHeads + kv) * description.dHead
    }

    /// Computes the scores block by block and hands each over.
    @inline(__always)
    private func forEachBlock(head: Int, headIndex: Int, _ body: (ScoreBlock) -> Void) {
        let d = description
        let mask = mask
        let (q, k) = (
            workspace.qkv + head * d.dHead, workspace.qkv + keyOffset(d.kvHead(of: head))
        )
        for start in stride(from: 0, to: length, by: Self.blockRows) {
            let queries = start..<min(start + Self.blockRows, length)
            let keys =
                mask.visibleKeys(of: start)
                .lowerBound..<mask.visibleKeys(of: queries.upperBound - 1).upperBound
            let block = ScoreBlock(
                layer: layer, headIndex: headIndex, sequence: sequence, queries: queries,
                keys: keys, scores: workspace.scores + start * workspace.scoreStride,
                stride: workspace.scoreStride, mask: mask)
            multiply(
                queries.count, keys.count, d.dHead,
                q + start * d.qkvWidth, d.qkvWidth, .asStored,
                k + keys.lowerBound * d.qkvWidth, d.qkvWidth, .transposed,
                into: block.scores + keys.lowerBound, block.stride, alpha: d.scoreScale)
            if let cap = d.scoreSoftCap { block.softCap(cap) }
            body(block)
        }
    }

    /// z = attention @ v for the block's rows.
    private func addOutput(_ block: ScoreBlock, head: Int) {
        let d = description
        let v = workspace.qkv + valueOffset(d.kvHead(of: head))
        let zStride = d.nHeads * d.dHead
        multiply(
            block.queries.count, d.dHead, block.keys.count,
            block.scores + block.keys.lowerBound, block.stride, .asStored,
            v + block.keys.lowerBound * d.qkvWidth, d.qkvWidth, .asStored,
            into: workspace.z + block.queries.lowerBound * zStride + head * d.dHead, zStride)
    }
}
