// SPDX-License-Identifier: Apache-2.0
// What a head adds to the logits of the token it attends to and of the token that comes next.

import Tensors
import Transformer

/// Which logits are attributed in a sequence.
public struct LogitTargets: Sendable {
    /// [length, dModel]: the unembedding of each token of the sequence, as `DirectPath.directions` gives it.
    public var directions: [Float]
    /// The queries that count; a next token stands behind each.
    public var queries: Range<Int>

    /// The logits of a sequence's own tokens at these queries.
    public init(directions: [Float], queries: Range<Int>) {
        self.directions = directions
        self.queries = queries
    }
}

/// What a head adds to logits at each query, before it is divided by the final norm's scale there.
public struct DirectLogits: Sendable {
    /// Σ_k A[q,k] (v_k W_O) · U[token_k].
    var attended: [Float] = []
    /// (z_q W_O) · U[token_{q+1}].
    var next: [Float] = []

    init() {}

    /// W_O is taken into the directions once, T = U W_O^T, [length, dValue]: then (v_k W_O) · U[token_k] = v_k · T_k.
    init(_ head: HeadView, _ targets: LogitTargets, dModel: Int, residualScale: Float) {
        guard let output = head.output, let z = head.z else { return }
        let (length, width) = (head.length, head.dValue)
        var read = [Float](repeating: 0, count: length * width)
        multiply(
            length, width, dModel, targets.directions, dModel, .asStored, output, head.zStride,
            .asStored, into: &read, width, alpha: residualScale)
        read.withUnsafeBufferPointer { read in
            guard let read = read.baseAddress else { return }
            var ofKeys = (0..<length).map {
                dot(head.v + $0 * head.qkvStride, read + $0 * width, width)
            }
            ofKeys += repeatElement(0, count: laneCount)
            for q in targets.queries {
                let visible = head.visibleKeys(of: q)
                attended.append(
                    ofKeys.withUnsafeBufferPointer { ofKeys in
                        ofKeys.baseAddress.map {
                            dot(
                                head.attention + q * head.attentionStride + visible.lowerBound,
                                $0 + visible.lowerBound, visible.count)
                        } ?? 0
                    })
                next.append(dot(z + q * head.zStride, read + (q + 1) * width, width))
            }
        }
    }
}

extension HeadResult {
    /// Adds up what the head adds to logits, now that the pass has come to its end.
    ///
    /// - Parameter scales: one a position, of `DirectPath.scales`.
    public mutating func addDirectLogits(_ targets: LogitTargets, scales: [Float]) {
        for (i, q) in targets.queries.enumerated() where i < directLogits.attended.count {
            sums.attendedLogit += Double(directLogits.attended[i] * scales[q])
            sums.nextLogit += Double(directLogits.next[i] * scales[q])
            sums.logitQueries += 1
        }
        directLogits = DirectLogits()
    }
}

extension DirectPath {
    /// The logits of a sequence's own tokens, at the queries from `first` that have a next token.
    public func targets(_ tokens: ArraySlice<Int32>, from first: Int) -> LogitTargets {
        LogitTargets(
            directions: directions(of: tokens), queries: first..<max(first, tokens.count - 1))
    }

    /// Adds up what every head adds to the logits that were asked for, once a batch has run to the end.
    public func finish(_ batch: [ScanSequence], _ results: BatchResults, _ pass: ForwardPass) {
        for s in batch.indices {
            guard let targets = batch[s].logits else { continue }
            let length = batch[s].tokens.count
            let scales = scales(pass.residual(of: s, length: length), length: length)
            for head in 0..<results.heads {
                results[s, head].addDirectLogits(targets, scales: scales)
            }
        }
    }
}
