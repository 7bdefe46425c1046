// SPDX-License-Identifier: Apache-2.0
// Gated delta net: what some layers of a hybrid model have instead of attention.
//
//     u = silu(conv(W x)) = [q | k | v],   q, k divided by their length
//     M <- e^g M,   M <- M + k (b (v - M^T k))^T,   o = M^T q / sqrt(dKey)
//     b = sigmoid(W_b x),   g = -e^A softplus(W_a x + t)
//
// and the output is W_O (norm(o) silu(z)). Reference: Yang et al. 2024, "Gated Delta Networks";
// transformers, models/qwen3_next/modeling_qwen3_next.py.

import Foundation
import Tensors

extension Block {
    /// Fills the workspace's z with norm(o) silu(z), [length, outputWidth].
    ///
    /// - Returns: whether every value was finite.
    func mixDeltaNet(_ input: UnsafePointer<Float>, length: Int) -> Bool {
        guard let net = description.deltaNet, let vectors = weights.deltaNet else { return false }
        let dModel = description.dModel
        let raw = workspace.scratch
        let mixed = raw + length * net.convolvedWidth
        let gate = mixed + length * net.convolvedWidth
        let control = gate + length * net.outputWidth
        let state = control + length * 2 * net.nValueHeads
        product(input, dModel, .deltaQKV, rows: net.convolvedWidth, into: raw, length: length)
        product(input, dModel, .deltaZ, rows: net.outputWidth, into: gate, length: length)
        product(input, dModel, .deltaBA, rows: 2 * net.nValueHeads, into: control, length: length)
        convolve(raw, vectors.convolution, net, length: length, into: mixed)
        normalizeDirections(mixed, net, length: length)
        for head in 0..<net.nValueHeads {
            runHead(head, mixed, control, state, vectors, net, length: length)
        }
        var isFinite = true
        for head in 0..<net.nValueHeads {
            let z = workspace.z + head * net.dValue
            isFinite =
                vectors.norm.normalize(length, z, net.outputWidth, into: z, net.outputWidth)
                && isFinite
        }
        for i in 0..<length * net.outputWidth {
            workspace.z[i] *= gate[i] / (1 + Foundation.exp(-gate[i]))
        }
        return isFinite
    }

    /// The causal convolution over time of each channel, and silu.
    private func convolve(
        _ x: UnsafePointer<Float>, _ filters: [Float], _ net: DeltaNet, length: Int,
        into y: UnsafeMutablePointer<Float>
    ) {
        let width = net.convolvedWidth
        for position in 0..<length {
            for channel in 0..<width {
                var sum: Float = 0
                for tap in max(0, net.kernel - 1 - position)..<net.kernel {
                    sum +=
                        filters[channel * net.kernel + tap]
                        * x[(position + tap - net.kernel + 1) * width + channel]
                }
                y[position * width + channel] = sum / (1 + Foundation.exp(-sum))
            }
        }
    }

    /// Divides each q and k by its length, and q by sqrt(dKey).
    private func normalizeDirections(
        _ x: UnsafeMutablePointer<Float>, _ net: DeltaNet, length: Int
    ) {
        for position in 0..<length {
            for vector in 0..<2 * net.nKeyHeads {
                let start = x + position * net.convolvedWidth + vector * net.dKey
                var scale = 1 / (sumOfSquares(start, net.dKey, around: 0) + 1e-6).squareRoot()
                if vector < net.nKeyHeads { scale /= Float(net.dKey).squareRoot() }
                for i in 0..<net.dKey { start[i] *= scale }
            }
        }
    }

    /// The recurrence of one value head, whose state is [dKey, dValue].
    private func runHead(
        _ head: Int, _ mixed: UnsafePointer<Float>, _ control: UnsafePointer<Float>,
        _ state: UnsafeMutablePointer<Float>, _ vectors: DeltaNetVectors, _ net: DeltaNet,
        length: Int
    ) {
        let keyHead = head / (net.nValueHeads / net.nKeyHeads)
        let (dKey, dValue) = (net.dKey, net.dValue)
        let change = state + dKey * dValue
        state.update(repeating: 0, count: dKey * dValue)
        let speed = Foundation.exp(vectors.decay[head])
        for position in 0..<length {
            let row = mixed + position * net.convolvedWidth
            let q = row + keyHead * dKey
            let k = row + (net.nKeyHeads + keyHead) * dKey
            let v = row + 2 * net.nKeyHeads * dKey + head * dValue
            let b = control[position * 2 * net.nValueHeads + head]
            let a = control[position * 2 * net.nValueHeads + net.nValueHeads + head]
            let beta = 1 / (1 + Foundation.exp(-b))
            let input = a + vectors.timeBias[head]
            let softplus = input > 20 ? input : Foundation.log1p(Foundation.exp(input))
            let decay = Foundation.exp(-speed * softplus)
            change.update(repeating: 0, count: dValue)
            for i in 0..<dKey {
                let row = state + i * dValue
                for j in 0..<dValue {
                    row[j] *= decay
                    change[j] += row[j] * k[i]
                }
            }
            for j in 0..<dValue { change[j] = (v[j] - change[j]) * beta }
            let output = workspace.z + position * net.outputWidth + head * dValue
            output.update(repeating: 0, count: dValue)
            for i in 0..<dKey {
                let row = state + i * dValue
                for j in 0..<dValue {
                    row[j] += k[i] * change[j]
                    output[j] += row[j] * q[i]
                }
            }
        }
    }
}
