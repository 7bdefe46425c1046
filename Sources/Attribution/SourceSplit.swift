// SPDX-License-Identifier: Apache-2.0
// What the components of a model give to a reading of the residual stream.
//
// The stream is a sum: embedding, what every head and MLP wrote, biases. Norms that stand in the stream itself
// (post-LN) are linear in it once their scale is held. So a linear reading at the end of the stream is taken
// backwards through its steps, transposed, and each component's part is its product with what the reading has
// become there: the parts add up to the reading.

import Transformer
import UserErrors

/// A quantity that is affine in the residual stream x at one position: direction · x + constant.
public struct ResidualReading: Sendable, Equatable {
    /// [dModel].
    public var direction: [Double]
    public var constant: Double

    public init(direction: [Double], constant: Double) {
        self.direction = direction
        self.constant = constant
    }
}

/// What wrote a part of the residual stream.
public struct ResidualComponent: Hashable, Sendable {
    /// The kinds of components.
    public enum Kind: String, Sendable, CaseIterable {
        case embedding
        case head
        /// What the projection of a layer's attention adds by itself.
        case attentionBias = "attention bias"
        /// A layer's gated delta net.
        case linearAttention = "linear attention"
        /// A layer's MLP or experts.
        case mlp
        /// A layer's own embedding of the token.
        case perLayerInput = "layer embedding"
        /// What a norm in the stream adds.
        case normBias = "norm bias"
        /// What the reading has whatever the stream holds.
        case constant = "bias of the head"
    }

    public var kind: Kind
    public var layer: Int?
    public var head: Int?

    /// A component; of the whole model unless a layer, or a head in it, is named.
    public init(kind: Kind, layer: Int? = nil, head: Int? = nil) {
        self.kind = kind
        self.layer = layer
        self.head = head
    }
}

/// One component's part of a reading.
public struct SourcePart: Sendable, Equatable {
    /// What came to an earlier head from one of its own keys.
    public struct Key: Sendable, Equatable {
        public var position: Int
        /// A[position of the reading, key] of that head.
        public var attention: Float
        public var value: Double
    }

    public var component: ResidualComponent
    public var value: Double
    /// Of a head: the parts of its keys, strongest first; together, when all are kept, they are `value`.
    public var keys: [Key] = []
}

extension ResidualTrace {
    /// Splits readings at the end of the stream, one at each of `positions`.
    ///
    /// - Parameters:
    ///   - keys: how many keys of each head are kept.
    /// - Returns: for each reading the parts of all components, in the order of the stream.
    public func split(
        _ readings: [ResidualReading], of model: Model, keys: Int
    ) throws -> [[SourcePart]] {
        precondition(readings.count == positions.count)
        var directions = readings.map(\.direction)
        // From the end of the stream to its beginning.
        var parts: [[SourcePart]] = readings.map {
            [SourcePart(component: .init(kind: .constant), value: $0.constant)]
        }
        for (index, step) in steps.enumerated().reversed() {
            func add(_ kind: ResidualComponent.Kind) {
                for row in readings.indices {
                    let written = zip(
                        stream(after: index, row: row), stream(after: index - 1, row: row)
                    )
                    .lazy.map { $0 - $1 }
                    parts[row].append(
                        SourcePart(
                            component: .init(
                                kind: kind, layer: kind == .embedding ? nil : step.layer),
                            value: dot(directions[row], written)))
                }
            }
            switch step.kind {
            case .embedding: add(.embedding)
            case .feedForward: add(.mlp)
            case .linearAttention: add(.linearAttention)
            case .perLayerInput: add(.perLayerInput)
            case .scale(let factor):
                for row in readings.indices {
                    directions[row] = directions[row].map { $0 * Double(factor) }
                }
            case .norm(let norm):
                for row in readings.indices {
                    if !norm.bias.isEmpty {
                        parts[row].append(
                            SourcePart(
                                component: .init(kind: .normBias, layer: step.layer),
                                value: dot(directions[row], norm.bias.lazy.map(Double.init))))
                    }
                    directions[row] = FrozenNorm(norm, at: stream(after: index - 1, row: row))
                        .applyTransposed(to: directions[row])
                }
            case .attention:
                let output = try AttentionOutput(of: model, layer: step.layer)
                for row in readings.indices {
                    parts[row] += try heads(
                        of: step.layer, row: row, output, directions[row], model, keys: keys)
                }
            }
        }
        return parts.map { $0.reversed() }
    }

    /// The parts of one layer's heads and their projection's bias, the last head first.
    private func heads(
        of layer: Int, row: Int, _ output: AttentionOutput, _ direction: [Double], _ model: Model,
        keys: Int
    ) throws -> [SourcePart] {
        guard let seen = layers[layer], !seen.z.isEmpty else {
            preconditionFailure("all heads of a layer must be in the selection")
        }
        let shape = model.description.shape(of: layer)
        let z = seen.z[row * shape.zWidth..<(row + 1) * shape.zWidth].map(Double.init)
        let (read, bias) = output.applyTransposed(to: direction, at: z)
        var parts: [SourcePart] = []
        if let bias {
            parts.append(
                SourcePart(component: .init(kind: .attentionBias, layer: layer), value: bias))
        }
        for head in (0..<shape.nHeads).reversed() {
            let range = head * shape.dValue..<(head + 1) * shape.dValue
            parts.append(
                SourcePart(
                    component: .init(kind: .head, layer: layer, head: head),
                    value: dot(read[range], z[range]),
                    keys: opened(HeadAddress(layer: layer, head: head), row: row, shape, read, keys)
                ))
        }
        return parts
    }

    /// A head's part by its own keys: z = sum over k of A[q,k] v_k.
    private func opened(
        _ head: HeadAddress, row: Int, _ shape: ModelDescription.HeadShape, _ read: [Double],
        _ count: Int
    ) -> [SourcePart.Key] {
        guard count > 0, let layer = layers[head.layer] else { return [] }
        let direction = (0..<shape.dValue).map { i in
            let place = head.head * shape.dValue + i
            let gate = layer.gate.isEmpty ? 1 : Double(layer.gate[row * shape.zWidth + place])
            return read[place] * gate
        }
        let attention = attention(of: head, row: row)
        let products = values(of: head, shape).times(Matrix(columns: 1, direction))
        return strongest(count, of: length) { Double(attention[$0]) * products[$0, 0] }
            .filter { attention[$0.index] > 0 }
            .map { .init(position: $0.index, attention: attention[$0.index], value: $0.value) }
    }

    /// A head's row of attention at the `row`-th position, [length].
    func attention(of head: HeadAddress, row: Int) -> ArraySlice<Float> {
        let start = (head.head * positions.count + row) * length
        let slice = (layers[head.layer]?.attention ?? [])[start..<start + length]
        return ArraySlice(Array(slice))
    }

    /// A head's values, [length, dValue].
    func values(of head: HeadAddress, _ shape: ModelDescription.HeadShape) -> Matrix {
        let (width, start) = (
            shape.nKVHeads * shape.dValue, shape.kvHead(of: head.head) * shape.dValue
        )
        let values = layers[head.layer]?.values ?? []
        return Matrix(
            columns: shape.dValue,
            (0..<length).flatMap { position in
                values[position * width + start..<position * width + start + shape.dValue]
            })
    }
}

/// What takes z of all heads of a layer to the residual stream: norm(z W_O + b).
struct AttentionOutput {
    /// W_O of all heads, [zWidth, dModel].
    let matrix: Matrix
    /// [dModel]; empty when there is none.
    private let bias: [Double]
    private let norm: NormWeights?

    init(of model: Model, layer: Int) throws {
        let d = model.description
        var whole: [Float] = []
        for head in 0..<d.shape(of: layer).nHeads {
            whole += try model.outputWeights(of: HeadAddress(layer: layer, head: head))
        }
        matrix = Matrix(columns: d.dModel, whole)
        bias = try model.outputBias(ofLayer: layer).map(Double.init)
        norm = try model.attentionOutputNorm(ofLayer: layer)
    }

    /// The norm, its scale held at z; nil where there is none.
    func frozenNorm(at z: [Double]) -> FrozenNorm? {
        guard let norm else { return nil }
        var sum = Array(Matrix(columns: z.count, z).times(matrix)[0])
        for (i, value) in bias.enumerated() { sum[i] += value }
        return FrozenNorm(norm, at: sum)
    }

    /// A direction of the residual stream as one of z, [zWidth], and what bias and norm add along it.
    func applyTransposed(
        to direction: [Double], at z: [Double]
    ) -> (read: [Double], bias: Double?) {
        let seen = frozenNorm(at: z)?.applyTransposed(to: direction) ?? direction
        let read = Matrix(columns: seen.count, seen).timesTransposed(matrix)
        var added = bias.isEmpty ? nil : dot(bias, seen)
        if let norm, !norm.bias.isEmpty {
            added = (added ?? 0) + dot(direction, norm.bias.lazy.map(Double.init))
        }
        return (Array(read[0]), added)
    }
}

extension FrozenNorm {
    /// The same for one direction.
    func applyTransposed(to direction: [Double]) -> [Double] {
        applyTransposed(to: Matrix(columns: direction.count, direction)).rowSum
    }
}
