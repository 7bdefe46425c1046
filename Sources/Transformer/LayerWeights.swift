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
    private(set) var expertsNorm: NormWeights?
    private(set) var routerNorm: NormWeights?
    private(set) var expertsOutputNorm: NormWeights?
    private(set) var denseOutputNorm: NormWeights?
    private(set) var perLayerOutputNorm: NormWeights?
    private(set) var queryNorm: HeadNormWeights?
    private(set) var keyNorm: HeadNormWeights?
    private(set) var valueNorm: NormWeights?
    private(set) var latentQueryNorm: NormWeights?
    private(set) var latentKeyValueNorm: NormWeights?
    private(set) var deltaNet: DeltaNetVectors?
    /// [nHeads]; empty without learned sinks.
    private(set) var sinks: [Float] = []
    private(set) var outputScale: Float = 1
    /// [experts]; empty where there are none.
    private(set) var routerCorrection: [Float] = []
    private(set) var expertScales: [Float] = []
    private var biases = [[Float]](repeating: [], count: MatrixRole.allCases.count)
    private var matrices = [WeightMatrix?](repeating: nil, count: MatrixRole.allCases.count)
    /// Those of the layer before, whose memory serves again where the shape is the same.
    private var packed = [PackedMatrix?](repeating: nil, count: MatrixRole.allCases.count)

    private let model: Model
    private let precision: Precision
    private let slab: UnsafeMutablePointer<Float>
    private static let attentionRoles: Set<MatrixRole> = [
        .qkv, .outputGate, .latentQuery, .latentKeyValue, .latentQueryUp, .latentKeyValueUp,
    ]
    /// Narrow ones whose outputs choose or control: nothing is gained where they are rounded.
    private static let float32Roles: Set<MatrixRole> = [.router, .sharedGate, .deltaBA]

    /// Floats in the matrices of one layer, experts left out.
    static func count(_ model: Model) -> Int {
        model.tensors.layers.map { layer in
            layer.projections.reduce(0) { $0 + $1.parts.reduce(0) { $0 + $1.rows * $1.columns } }
        }.max() ?? 0
    }

    init(_ model: Model, precision: Precision = .float32) {
        self.model = model
        self.precision = precision
        slab = .allocate(capacity: Self.count(model))
    }

    deinit { slab.deallocate() }

    /// The matrix with this role, [out, in]; the layer must have one.
    subscript(_ role: MatrixRole) -> WeightMatrix {
        guard let matrix = matrices[role.rawValue] else {
            preconditionFailure("layer \(layer) has no \(role)")
        }
        return matrix
    }

    /// Whether the layer has a matrix with this role.
    func has(_ role: MatrixRole) -> Bool { matrices[role.rawValue] != nil }

    /// Added to the product with the matrix; empty when there is none.
    func bias(_ role: MatrixRole) -> [Float] { biases[role.rawValue] }

    /// [qkvWidth, dModel].
    var qkv: UnsafeMutablePointer<Float> { self[.qkv].values }
    var qkvBias: [Float] { bias(.qkv) }

    /// Loads a layer, its rows shared out among the workers.
    ///
    /// - Parameters:
    ///   - attentionOnly: leave out what comes after q, k and v.
    ///   - checked: refuse weights that are not finite numbers.
    func load(_ layer: Int, attentionOnly: Bool, workers: Int, checked: Bool) throws {
        let names = model.tensors.layers[layer]
        self.layer = layer
        try loadAttentionVectors(names, layer)
        if !attentionOnly { try loadOtherVectors(names) }
        var pieces: [RowPiece] = []
        var next = slab
        for role in MatrixRole.allCases {
            matrices[role.rawValue] = nil
            biases[role.rawValue] = []
            guard !attentionOnly || Self.attentionRoles.contains(role),
                let projection = names.projection(role)
            else { continue }
            let (rows, columns) = (projection.rows, projection.parts[0].columns)
            matrices[role.rawValue] = WeightMatrix(
                rows: rows, columns: columns, values: next,
                packed: try packed(role, rows: rows, columns: columns))
            biases[role.rawValue] = try bias(projection)
            pieces += try model.rowPieces(projection, into: next)
            next += rows * columns
        }
        try pieces.widen(workers: workers, checked: checked)
        WeightMatrix.pack(matrices.compactMap { $0 }, workers: workers)
    }

    /// Where a matrix is packed; nil for one that is multiplied in Float32.
    private func packed(_ role: MatrixRole, rows: Int, columns: Int) throws -> PackedMatrix? {
        guard precision == .bf16, !Self.float32Roles.contains(role) else { return nil }
        if let known = packed[role.rawValue], known.rows == rows, known.columns == columns {
            return known
        }
        let new = try PackedMatrix(rows: rows, columns: columns)
        packed[role.rawValue] = new
        return new
    }

    private func loadAttentionVectors(_ names: LayerTensors, _ layer: Int) throws {
        let d = model.description
        let shape = d.shape(of: layer)
        inputNorm = try norm(names.inputNorm)
        queryNorm = try names.queryNorm.map {
            try headNorm($0, heads: shape.nHeads, dHead: shape.dHead)
        }
        keyNorm = try names.keyNorm.map {
            try headNorm($0, heads: shape.nKVHeads, dHead: shape.dHead)
        }
        valueNorm = d.valueNormEpsilon.map {
            NormWeights(
                kind: .rootMeanSquare(epsilon: $0),
                weight: [Float](repeating: 1, count: shape.dValue))
        }
        sinks = try names.sinks.map { try finite($0, shape: [d.nHeads]) } ?? []
        guard let latent = d.latent else { return }
        latentQueryNorm = try names.latentQueryNorm.map {
            NormWeights(
                kind: .rootMeanSquare(epsilon: latent.epsilon),
                weight: try finite($0, shape: [latent.queryRank ?? 0]))
        }
        latentKeyValueNorm = try names.latentKeyValueNorm.map {
            NormWeights(
                kind: .rootMeanSquare(epsilon: latent.epsilon),
                weight: try finite($0, shape: [latent.keyValueRank]))
        }
    }

    private func loadOtherVectors(_ names: LayerTensors) throws {
        attentionOutputNorm = try norm(names.attentionOutputNorm)
        afterAttentionNorm = try norm(names.afterAttentionNorm)
        feedForwardNorm = try norm(names.feedForwardNorm)
        feedForwardOutputNorm = try norm(names.feedForwardOutputNorm)
        afterFeedForwardNorm = try norm(names.afterFeedForwardNorm)
        expertsNorm = try norm(names.expertsNorm)
        routerNorm = try norm(names.routerNorm)
        expertsOutputNorm = try norm(names.expertsOutputNorm)
        denseOutputNorm = try norm(names.denseOutputNorm)
        perLayerOutputNorm = try norm(names.perLayerOutputNorm)
        outputScale = try names.outputScale.map { try finite($0, shape: [1])[0] } ?? 1
        let experts = model.description.experts?.count ?? 0
        routerCorrection = try names.routerCorrection.map { try finite($0, shape: [experts]) } ?? []
        expertScales = try names.expertScales.map { try finite($0, shape: [experts]) } ?? []
        deltaNet = try names.deltaNet.flatMap { try deltaNet($0) }
    }

    private func deltaNet(_ names: DeltaNetTensors) throws -> DeltaNetVectors? {
        guard let net = model.description.deltaNet else { return nil }
        return DeltaNetVectors(
            decay: try finite(names.decay, shape: [net.nValueHeads]),
            timeBias: try finite(names.timeBias, shape: [net.nValueHeads]),
            norm: NormWeights(
                kind: .rootMeanSquare(epsilon: net.epsilon),
                weight: try finite(names.norm, shape: [net.dValue])),
            convolution: try finite(
                names.convolution, shape: [net.convolvedWidth, 1, net.kernel]))
    }

    func norm(_ names: NormTensors?) throws -> NormWeights? {
        try names.map { try model.norm($0) }
    }

    private func headNorm(
        _ names: HeadNormTensors, heads: Int, dHead: Int
    ) throws -> HeadNormWeights {
        let width = names.scope == .allHeads ? heads * dHead : dHead
        let kind = names.kind ?? model.description.norm
        func values(_ list: [String]) throws -> [[Float]] {
            try list.map { try finite($0, shape: [width]) }
        }
        let (weights, biases) = (try values(names.weights), try values(names.biases))
        let ones = [Float](repeating: 1, count: width)
        return HeadNormWeights(
            norms: (0..<max(1, weights.count)).map { i in
                NormWeights(
                    kind: weights.isEmpty ? kind.withoutOffset : kind,
                    weight: weights.isEmpty ? ones : weights[i],
                    bias: biases.isEmpty ? [] : biases[i])
            }, coversAllHeads: names.scope == .allHeads)
    }

    private func finite(_ name: String, shape: [Int]) throws -> [Float] {
        try model.finite(name, shape: shape)
    }

    func bias(_ projection: Projection) throws -> [Float] { try model.bias(projection) }
}

/// The norm of queries or keys, ready to run.
struct HeadNormWeights {
    /// One for all heads, or one a head.
    let norms: [NormWeights]
    /// Whether the heads' vectors are normalised together, as one.
    let coversAllHeads: Bool

    /// The norm of a head; nil where it is not the head's own.
    func norm(of head: Int) -> NormWeights { norms.count == 1 ? norms[0] : norms[head] }
}

/// A delta net's vectors, widened.
struct DeltaNetVectors {
    let decay: [Float]
    let timeBias: [Float]
    let norm: NormWeights
    /// [channels, kernel].
    let convolution: [Float]
}

extension Model {
    /// A norm of vectors as wide as the residual stream, widened.
    func norm(_ names: NormTensors) throws -> NormWeights {
        let dModel = description.dModel
        let kind = names.kind ?? description.norm
        return NormWeights(
            kind: names.weight == nil ? kind.withoutOffset : kind,
            weight: try names.weight.map { try finite($0, shape: [dModel]) }
                ?? [Float](repeating: 1, count: dModel),
            bias: try names.bias.map { try finite($0, shape: [dModel]) } ?? [])
    }

    /// A small tensor of finite numbers, widened.
    func finite(_ name: String, shape: [Int]) throws -> [Float] {
        let tensor = try stored(name, shape: shape)
        let values = tensor.widened()
        guard values.allSatisfy(\.isFinite) else { throw tensor.notFinite }
        return values
    }

    /// The bias of a projection, widened; empty when there is none.
    func bias(_ projection: Projection) throws -> [Float] {
        var bias: [Float] = []
        for part in projection.bias {
            let stored = try stored(part)
            let values = stored.widened()
            guard values.allSatisfy(\.isFinite) else { throw stored.notFinite }
            bias += (0..<part.rows).map { values[part.storedRow(of: $0)] }
        }
        return bias
    }

    /// The stored tensor of a part: of one expert where it holds several.
    func stored(_ part: TensorPart) throws -> StoredTensor {
        let tensor = try stored(part.tensor, shape: part.storedShape)
        return part.expert.map(tensor.slice) ?? tensor
    }

    /// Cuts a projection into pieces small enough to share out evenly.
    func rowPieces(
        _ projection: Projection, into destination: UnsafeMutablePointer<Float>
    ) throws -> [RowPiece] {
        // A whole number of tiles for transposed reading.
        let height = 256
        var pieces: [RowPiece] = []
        var target = destination
        for part in projection.parts {
            let tensor = try stored(part)
            for start in stride(from: 0, to: part.rows, by: height) {
                let rows = start..<min(start + height, part.rows)
                pieces.append(
                    RowPiece(
                        tensor: tensor, part: part, rows: rows, columns: part.columns,
                        destination: target + start * part.columns))
            }
            target += part.rows * part.columns
        }
        return pieces
    }
}

extension StoredTensor {
    /// An error about a tensor with NaN or infinity in it.
    var notFinite: UserError {
        UserError("\(url.path): tensor \(name) holds NaN or infinity; download the model again.")
    }
}

/// A run of rows of one part, and where they go.
struct RowPiece {
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
        case .perHead, .interleavedHalves, .grouped:
            for (i, row) in rows.enumerated() {
                tensor.widen(row: part.storedRow(of: row), into: destination + i * columns)
            }
        }
    }

    /// What is said when `isFinite` is false.
    var notFinite: UserError { tensor.notFinite }

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

extension [RowPiece] {
    /// Widens all of them.
    ///
    /// - Parameter checked: refuse weights that are not finite numbers.
    func widen(workers: Int, checked: Bool) throws {
        let firstBroken = Atomic(Int.max)
        share(count, among: workers) { _, index in
            self[index].widen()
            if checked, !self[index].isFinite { firstBroken.min(index, ordering: .relaxed) }
        }
        let broken = firstBroken.load(ordering: .relaxed)
        guard broken == .max else { throw self[broken].notFinite }
    }
}
