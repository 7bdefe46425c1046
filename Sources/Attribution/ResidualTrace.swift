// SPDX-License-Identifier: Apache-2.0
// How the residual stream came about at some positions of a sequence, and what the heads did on the way.

import Transformer
import UserErrors

/// Every step of the residual stream at some positions of one sequence, in Float32 as the pass had it.
public final class ResidualTrace {
    struct Step {
        let kind: ResidualStep.Kind
        let layer: Int
        /// The stream after it, [positions, dModel].
        let after: [Float]
    }

    /// What the heads of one layer did.
    struct Layer {
        /// z of all heads as W_O reads it, after any gate, [positions, zWidth].
        var z: [Float]
        /// What multiplies z, [positions, zWidth]; empty where nothing does.
        var gate: [Float]
        /// [nHeads, positions, length]; 0 where a key is not seen.
        var attention: [Float]
        /// Of all key/value heads, [length, nKVHeads dValue].
        var values: [Float]
    }

    /// The positions that are followed.
    public let positions: [Int]
    /// Tokens of the sequence.
    public let length: Int
    private(set) var steps: [Step] = []
    private(set) var layers: [Int: Layer] = [:]
    private let dModel: Int

    /// The most floats that a trace may hold: 1 GiB.
    private static let mostFloats = 1 << 28

    /// - Throws: when the heads' attention and values would not fit into memory.
    init(
        _ positions: [Int], length: Int, through selection: HeadSelection,
        of description: ModelDescription
    ) throws {
        precondition(positions.allSatisfy { (0..<length).contains($0) })
        self.positions = positions
        self.length = length
        dModel = description.dModel
        let floats = Self.size(
            positions: positions.count, length: length, through: selection, of: description)
        guard floats <= Self.mostFloats else {
            throw UserError(
                "the values of all heads on \(length) tokens take more than 1 GiB; ask about a shorter sequence."
            )
        }
    }

    /// The floats that a trace of so many positions takes.
    static func size(
        positions: Int, length: Int, through selection: HeadSelection,
        of description: ModelDescription
    ) -> Int {
        (0...max(0, selection.lastLayer)).reduce(0) { sum, layer in
            let shape = description.shape(of: layer)
            let perPosition = 4 * description.dModel + shape.nHeads * (2 * shape.dValue + length)
            return sum + positions * perPosition + length * shape.nKVHeads * shape.dValue
        }
    }

    func append(_ step: ResidualStep) {
        var after: [Float] = []
        after.reserveCapacity(positions.count * dModel)
        for position in positions {
            after += UnsafeBufferPointer(start: step.residual + position * dModel, count: dModel)
        }
        steps.append(Step(kind: step.kind, layer: step.layer, after: after))
    }

    func begin(_ view: LayerView) {
        let shape = view.shape
        let width = shape.nKVHeads * shape.dValue
        let values = [Float](unsafeUninitializedCapacity: length * width) { buffer, count in
            for position in 0..<length {
                let row = view.qkv + position * view.stride + shape.valueOffset(0)
                for i in 0..<width { buffer[position * width + i] = row[i] }
            }
            count = length * width
        }
        layers[view.layer] = Layer(
            z: [], gate: [],
            attention: [Float](repeating: 0, count: shape.nHeads * positions.count * length),
            values: values)
    }

    func take(_ view: HeadView) {
        for (row, position) in positions.enumerated() {
            let start = (view.head * positions.count + row) * length
            for key in view.visibleKeys(of: position) {
                layers[view.layer]?.attention[start + key] =
                    view.attention[position * view.attentionStride + key]
            }
        }
        guard let z = view.z else { return }
        let width = view.zStride
        if layers[view.layer]?.z.isEmpty == true {
            let zeros = [Float](repeating: 0, count: positions.count * width)
            layers[view.layer]?.z = zeros
            if view.gate != nil { layers[view.layer]?.gate = zeros }
        }
        for (row, position) in positions.enumerated() {
            for i in 0..<view.dValue {
                let place = row * width + view.head * view.dValue + i
                let gate = view.gate.map { $0[position * width + i] }
                layers[view.layer]?.z[place] = z[position * width + i] * (gate ?? 1)
                if let gate { layers[view.layer]?.gate[place] = gate }
            }
        }
    }

    /// The stream after a step at the `row`-th position; before the first there is nothing.
    func stream(after step: Int, row: Int) -> [Double] {
        guard step >= 0 else { return [Double](repeating: 0, count: dModel) }
        return steps[step].after[row * dModel..<(row + 1) * dModel].map(Double.init)
    }

    /// The stream after the last step at the `row`-th position, [dModel].
    public func lastStream(row: Int) -> [Float] {
        Array(steps[steps.count - 1].after[row * dModel..<(row + 1) * dModel])
    }
}

extension ForwardPass {
    /// Runs one sequence and follows its residual stream at some positions.
    ///
    /// - Parameters:
    ///   - edges: of heads that `selection` shows.
    /// - Precondition: `selection` holds all heads of the layers whose heads are to be told apart.
    public func trace(
        _ positions: [Int], edges: [HeadEdge] = [], on tokens: ArraySlice<Int32>
    ) throws -> (trace: ResidualTrace, edges: [EdgeObservation]) {
        var request = SequenceRequest(tokens)
        request.edges = edges
        request.followed = positions
        request.heads = selection
        let seen = try observe([request])[0]
        guard let trace = seen.trace else { preconditionFailure("positions must be named") }
        return (trace, seen.edges)
    }
}
