// SPDX-License-Identifier: Apache-2.0
// How others look into the forward pass: at a layer's input, at scores, at finished heads.

/// Looks on while sequences pass through the studied layers. Every worker has a visitor of its own,
/// so a visitor needs no locks; it sees the layers in order and, within a layer, some of the sequences.
public protocol AttentionVisitor: AnyObject {
    /// A studied layer is about to attend: queries, keys and values are final.
    func enter(_ layer: LayerView)
    /// Must turn scores into attention in place: after it every visible entry holds the softmax of
    /// its row, and every other entry of `block.keys` is 0.
    func attend(_ block: ScoreBlock)
    /// A studied head is finished for one sequence.
    func finish(_ head: HeadView)
    /// Whether `finish` reads z for this sequence; in the last layer it is only computed if so.
    func needsOutput(ofSequence sequence: Int) -> Bool
    /// Whether `passed` is to be called.
    var followsResidual: Bool { get }
    /// A step of the residual stream is done, in any layer. Within a layer with experts one worker's visitor
    /// may see the first steps of a sequence and another's the rest.
    func passed(_ step: ResidualStep)
}

extension AttentionVisitor {
    public var followsResidual: Bool { false }
    public func passed(_ step: ResidualStep) {}
}

/// One sequence at one layer. All pointers are valid during the call only.
public struct LayerView {
    /// The block, from 0.
    public let layer: Int
    /// The sequence's index in the batch.
    public let sequence: Int
    /// Its number of tokens.
    public let length: Int
    /// Width of the residual stream.
    public let dModel: Int
    /// [length, dModel]: the residual stream before the block.
    public let residual: UnsafePointer<Float>
    /// [length, dModel]: what the q, k and v projections read.
    public let attentionInput: UnsafePointer<Float>
    /// Rows of q heads, k heads, v heads, after bias, norms and rotary; [length, stride].
    public let qkv: UnsafePointer<Float>
    /// Distance between the rows of `qkv`.
    public let stride: Int
    /// Where the layer's heads stand in them.
    public let shape: ModelDescription.HeadShape
}

/// Consecutive rows of one head's scores, as they enter the softmax: scaled and soft-capped.
public struct ScoreBlock {
    /// The block of the model.
    public let layer: Int
    /// The head's index in the selection.
    public let headIndex: Int
    /// The sequence's index in the batch.
    public let sequence: Int
    /// The rows.
    public let queries: Range<Int>
    /// The columns that were computed: a superset of what each row may see.
    public let keys: Range<Int>
    /// The score of query q and key k is at (q - queries.lowerBound) * stride + k; sixteen entries
    /// after the last key of a row may be read.
    public let scores: UnsafeMutablePointer<Float>
    /// Distance between rows.
    public let stride: Int
    /// A learned logit that takes part in the softmax of every row without a key: rows then sum to less
    /// than one.
    public let sink: Float?
    let mask: AttentionMask

    /// The sequence's number of tokens.
    public var length: Int { mask.length }

    /// The keys that query q sees.
    @inline(__always)
    public func visibleKeys(of q: Int) -> Range<Int> { mask.visibleKeys(of: q) }

    /// The row of query q, indexed by key.
    @inline(__always)
    public func row(_ q: Int) -> UnsafeMutablePointer<Float> {
        scores + (q - queries.lowerBound) * stride
    }
}

/// One finished head of one sequence. All pointers are valid during the call only.
public struct HeadView {
    /// The block of the model.
    public let layer: Int
    /// The query head.
    public let head: Int
    /// The head's index in the selection.
    public let headIndex: Int
    /// The sequence's index in the batch.
    public let sequence: Int
    /// Its number of tokens.
    public let length: Int
    /// Width of q and k.
    public let dHead: Int
    /// Width of v and z.
    public let dValue: Int
    /// [length, attentionStride]: attention of query (row) to key (column).
    public let attention: UnsafePointer<Float>
    /// Distance between the rows of `attention`.
    public let attentionStride: Int
    /// The head's query, key and value vectors; position p is at p * qkvStride.
    public let q: UnsafePointer<Float>
    public let k: UnsafePointer<Float>
    public let v: UnsafePointer<Float>
    /// Distance between positions in q, k and v.
    public let qkvStride: Int
    /// attention @ v, if it was computed, before any gate; position p is at p * zStride.
    public let z: UnsafePointer<Float>?
    /// What z is multiplied by before W_O, in models that gate it; position p is at p * zStride.
    public let gate: UnsafePointer<Float>?
    /// Distance between positions in z and gate.
    public let zStride: Int
    /// The head's W_O, transposed: row i, of `dValue` entries, says what z adds to entry i of the residual stream;
    /// rows are `zStride` apart. Nil in a last layer that stops at its attention.
    public let output: UnsafePointer<Float>?
    let mask: AttentionMask

    /// The vectors of an edge, with zeros up to `width` where the head's are narrower: q and z at the query, k
    /// and v at the key. z is as W_O reads it, after any gate; empty if it was not computed.
    public func vectors(
        query: Int, key: Int, width: Int
    ) -> (q: [Float], k: [Float], v: [Float], z: [Float]) {
        func copy(_ start: UnsafePointer<Float>, _ count: Int) -> [Float] {
            Array(UnsafeBufferPointer(start: start, count: count))
                + repeatElement(0, count: width - count)
        }
        return (
            copy(q + query * qkvStride, dHead), copy(k + key * qkvStride, dHead),
            copy(v + key * qkvStride, dValue), copyOutput(query: query, width: width)
        )
    }

    private func copyOutput(query: Int, width: Int) -> [Float] {
        guard let z else { return [] }
        var row = [Float](repeating: 0, count: width)
        for i in 0..<dValue {
            row[i] = z[query * zStride + i] * (gate.map { $0[query * zStride + i] } ?? 1)
        }
        return row
    }

    /// The keys that query q sees; entries of `attention` elsewhere may hold anything.
    @inline(__always)
    public func visibleKeys(of q: Int) -> Range<Int> { mask.visibleKeys(of: q) }
}

/// Which keys a query sees.
struct AttentionMask: Sendable {
    let isCausal: Bool
    /// Key k is visible only if q - window < k.
    let window: Int?
    /// Key k is visible only if |q - k| <= halfWindow.
    let halfWindow: Int?
    /// Key k is visible only if it lies in the query's chunk of so many positions.
    let chunk: Int?
    let length: Int

    @inline(__always)
    func visibleKeys(of q: Int) -> Range<Int> {
        var end = isCausal ? q + 1 : length
        var start = 0
        if let window { start = max(0, q - window + 1) }
        if let halfWindow {
            start = max(start, q - halfWindow)
            end = min(end, q + halfWindow + 1)
        }
        if let chunk { start = max(start, q / chunk * chunk) }
        return start..<end
    }
}
