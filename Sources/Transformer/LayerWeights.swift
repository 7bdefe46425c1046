// SPDX-License-Identifier: Apache-2.0
// One layer's weights in Float32, widened from the mapped checkpoint when the layer's turn comes.

import Checkpoints
import Synchronization
import Tensors
import UserErrors

/// The weights of the layer that is being run. The matrices' memory is reused from layer to layer.
final class LayerWeights {
    private(set) var layer = -1
    private(set) var inputNorm: NormWeights?
    private(set) var attentionOutputNorm: NormWeights?
    private(set) var afterAttentionNorm: NormWeights?
    private(set) var feedForwardNorm: NormWeights?
    private(set) var feedForwardOutputNorm: NormWeights?
    private(set) var afterFeedForwardNorm: NormWeights?
    private(set) var queryNorm: NormWeights?
    private(set) var keyNorm: NormWeights?
    private(set) var qkvBias: [Float] = []
    private(set) var outputBias: [Float] = []
    private(set) var upBias: [Float] = []
    private(set) var downBias: [Float] = []

    /// [qkvWidth, dModel].
    let qkv: UnsafeMutablePointer<Float>
    /// [dModel, nHeads dHead].
    let output: UnsafeMutablePointer<Float>
    /// [upWidth, dModel].
    let up: UnsafeMutablePointer<Float>
    /// [dModel, dMLP].
    let down: UnsafeMutablePointer<Float>

    private let model: Model
    private let slab: UnsafeMutablePointer<Float>

    /// The matrices' sizes in floats, in the order of the properties.
    private static func sizes(_ d: ModelDescription) -> [Int] {
        [
            d.qkvWidth * d.dModel, d.dModel * d.nHeads * d.dHead, d.upWidth * d.dModel,
            d.dModel * d.dMLP,
        ]
    }

    /// Floats in the matrices of one layer.
    static func count(_ d: ModelDescription) -> Int { sizes(d).reduce(0, +) }

    init(_ model: Model) {
        let d = model.description
        self.model = model
        let sizes = Self.sizes(d)
        slab = .allocate(capacity: sizes.reduce(0, +))
        qkv = slab
        output = qkv + sizes[0]
        up = output + sizes[1]
        down = up + sizes[2]
    }

    deinit { slab.deallocate() }

    /// Loads a layer, its rows shared out among the workers.
    ///
    /// - Parameters:
    ///   - attentionOnly: leave out what comes after q, k and v.
    ///   - checked: refuse weights that are not finite numbers.
    func load(
        _ layer: Int, attentionOnly: Bool, workers: Int, checked: Bool
    ) throws {
        let names = model.tensors.layers[layer]
        self.layer = layer
        inputNorm = try norm(names.inputNorm)
        queryNorm = try queryKeyNorm(names.queryNorm, dModel: model.queryNormWidth)
        keyNorm = try queryKeyNorm(names.keyNorm, dModel: model.keyNormWidth)
        qkvBias = try bias(names.qkv)
        var pieces = try rowPieces(names.qkv, into: qkv, columns: model.description.dModel)
        if !attentionOnly {
            let d = model.description
            attentionOutputNorm = try norm(names.attentionOutputNorm)
            afterAttentionNorm = try norm(names.afterAttentionNorm)
            feedForwardNorm = try norm(names.feedForwardNorm)
            feedForwardOutputNorm = try norm(names.feedForwardOutputNorm)
            afterFeedForwardNorm = try norm(names.afterFeedForwardNorm)
            outputBias = try bias(names.output)
            upBias = try bias(names.up)
            downBias = try bias(names.down)
            pieces += try rowPieces(names.output, into: output, columns: d.nHeads * d.dHead)
            pieces += try rowPieces(names.up, into: up, columns: d.dModel)
            pieces += try rowPieces(names.down, into: down, columns: d.dMLP)
        }
        try widen(pieces, workers: workers, checked: checked)
    }

    private func widen(_ pieces: [RowPiece], workers: Int, checked: Bool) throws {
        let firstBroken = Atomic(Int.max)
        share(pieces.count, among: workers) { _, index in
            pieces[index].widen()
            if checked, !pieces[index].isFinite {
                firstBroken.min(index, ordering: .relaxed)
            }
        }
        let broken = firstBroken.load(ordering: .relaxed)
        guard broken == .max else { throw notFinite(pieces[broken].tensor) }
    }

    private func notFinite(_ tensor: StoredTensor) -> UserError {
        UserError(
            "\(tensor.url.path): tensor \(tensor.name) holds NaN or infinity; download the model again."
        )
    }

    func norm(_ names: NormTensors?) throws -> NormWeights? {
        guard let names else { return nil }
        let dModel = model.description.dModel
        return NormWeights(
            kind: model.description.norm, weight: try finite(names.weight, count: dModel),
            bias: try names.bias.map { name throws in try finite(name, count: dModel) }
                ?? [])
    }

    private func queryKeyNorm(_ name: String?, dModel: Int) throws -> NormWeights? {
        guard let name else { return nil }
        return NormWeights(
            kind: model.description.norm, weight: try finite(name, count: dModel))
    }

    private func finite(_ name: String, count: Int) throws -> [Float] {
        let tensor = try model.stored(name, shape: [count])
        let values = tensor.widened()
        guard values.allSatisfy(\.isFinite) else { throw notFinite(tensor) }
        return values
    }

    func bias(_ projection: Projection) throws -> [Float] {
        var bias: [Float] = []
        for part in projection.bias {
            let values = try finite(part.tensor, count: part.storedShape[0])
            bias += (0..<part.rows).map { values[part.storedRow(of: $0)] }
        }
        return bias
    }

    /// Cuts a projection into pieces small enough to share out evenly.
    private func rowPieces(
        _ projection: Projection, into destination: UnsafeMutablePointer<Float>, columns: Int
    ) throws -> [RowPiece] {
        // A whole number of tiles for transposed reading.
        let height = 256
        var pieces: [RowPiece] = []
        var target = destination
        for part in projection.parts {
            let tensor = try model.stored(part.tensor, shape: part.storedShape)
            for start in stride(from: 0, to: part.rows, by: height) {
                let rows = start..<min(start + height, part.rows)
                pieces.append(
                    RowPiece(
                        tensor: tensor, part: part, rows: rows, columns: columns,
                        destination: target + start * columns))
            }
            target += part.rows * columns
        }
        return pieces
    }
}

/// A run of rows of one part, and where they go.
private struct RowPiece {
    let tensor: StoredTensor
    let part: TensorPart
    let rows: Range<Int>
    let columns: Int
    let destination: UnsafeMutablePointer<Float>

    func widen() {
        let first = part.storedRow(of: rows.lowerBound)
        switch part.layout {
        case .rows:
            tensor.widen(rows: first..<first + rows.count, into: destination)
        case .columns:
            tensor.widenTransposed(columns: first..<first + rows.count, into: destination)
        case .perHead, .interleavedHalves:
            for (i, row) in rows.enumerated() {
                tensor.widen(row: part.storedRow(of: row), into: destination + i * columns)
            }
        }
    }

    /// x - x is 0 for a finite x and NaN otherwise, and one NaN makes the sum NaN.
    var isFinite: Bool {
        let count = rows.count * columns
        var differences = Lanes()
        var i = 0
        while i + laneCount <= count {
            let value = destination.lanes(at: i)
            differences += value - value
            i += laneCount
        }
        var total = differences.laneSum
        while i < count {
            total += destination[i] - destination[i]
            i += 1
        }
        return total == 0
    }
}
