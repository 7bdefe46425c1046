// SPDX-License-Identifier: Apache-2.0
// A layer's mixture of experts on a whole batch, expert by expert.
//
// Each expert's matrices are widened once a batch and run on all tokens that chose it, in tiles of a fixed
// number of rows: a row of a product then comes out of the same instructions wherever it stands, so that a
// token's numbers do not depend on which others chose the expert with it.

import Checkpoints
import Tensors
import UserErrors

/// The experts' work on a batch, and the memory for it.
final class ExpertLayer {
    private let model: Model
    private let experts: Experts
    /// One expert's.
    private let up: WeightMatrix
    private let down: WeightMatrix
    private let tiles: [Tile]
    private var rows = ExpertRows(capacity: 0, dModel: 0, chosen: 0)

    /// Rows of a tile: whole micro-kernels, and few enough that small batches waste little.
    private static let tileRows = 64

    /// A worker's own memory for one tile.
    private final class Tile {
        let input: UnsafeMutablePointer<Float>
        let hidden: UnsafeMutablePointer<Float>
        let output: UnsafeMutablePointer<Float>
        var tokens: [Int32] = []
        var factors: [Float] = []

        init(dModel: Int, upWidth: Int) {
            input = .allocate(capacity: tileRows * dModel)
            hidden = .allocate(capacity: tileRows * upWidth + laneCount)
            output = .allocate(capacity: tileRows * dModel)
            input.initialize(repeating: 0, count: tileRows * dModel)
        }

        deinit {
            input.deallocate()
            hidden.deallocate()
            output.deallocate()
        }
    }

    /// Floats of one expert's weights.
    static func weightCount(_ d: ModelDescription) -> Int {
        3 * (d.experts?.dExpert ?? 0) * d.dModel
    }

    /// Floats that `workers` need besides weights, and those for each token of a batch.
    static func count(_ d: ModelDescription, workers: Int) -> Int {
        guard let experts = d.experts else { return 0 }
        return workers * tileRows * (2 * d.dModel + 2 * experts.dExpert)
    }

    /// Nil for a model without experts.
    init?(_ model: Model, workers: Int, precision: Precision) throws {
        guard let experts = model.description.experts else { return nil }
        let dModel = model.description.dModel
        self.model = model
        self.experts = experts
        func matrix(_ rows: Int, _ columns: Int) throws -> WeightMatrix {
            let packed =
                precision == .bf16 ? try PackedMatrix(rows: rows, columns: columns) : nil
            return WeightMatrix(
                rows: rows, columns: columns, values: .allocate(capacity: rows * columns),
                packed: packed)
        }
        up = try matrix(2 * experts.dExpert, dModel)
        down = try matrix(dModel, experts.dExpert)
        tiles = (0..<workers).map { _ in Tile(dModel: dModel, upWidth: 2 * experts.dExpert) }
    }

    deinit {
        up.values.deallocate()
        down.values.deallocate()
    }

    /// Makes room for sequences of these lengths.
    func reserve(_ lengths: [Int]) {
        let total = lengths.reduce(0, +)
        if total > rows.capacity {
            rows = ExpertRows(
                capacity: total, dModel: model.description.dModel, chosen: experts.chosen)
        }
        rows.begin(lengths)
    }

    /// A sequence's rows: what its experts read, and the sum of what they wrote.
    func input(of sequence: Int) -> UnsafeMutablePointer<Float> {
        rows.input + rows.starts[sequence] * model.description.dModel
    }
    func output(of sequence: Int) -> UnsafeMutablePointer<Float> {
        rows.output + rows.starts[sequence] * model.description.dModel
    }

    /// Routes a sequence whose input is in its rows.
    ///
    /// - Parameter logits: [length, experts], of the router.
    func route(
        _ sequence: Int, length: Int, _ logits: UnsafeMutablePointer<Float>, _ weights: LayerWeights
    ) {
        var routing = Routing(experts, weights)
        let first = rows.starts[sequence]
        for position in 0..<length {
            let slot = (first + position) * experts.chosen
            routing.choose(
                logits + position * experts.count, into: rows.indices + slot, rows.factors + slot)
        }
    }

    /// Runs every expert that was chosen.
    ///
    /// - Parameter checked: refuse weights that are not finite numbers.
    func run(layer: Int, workers: Int, checked: Bool) throws {
        let dModel = model.description.dModel
        rows.output.update(repeating: 0, count: rows.count * dModel)
        let users = rows.tokensByExpert(experts.count)
        for expert in 0..<experts.count where !users[expert].isEmpty {
            let names = model.tensors.layers[layer].experts[expert]
            try widen(names, workers: workers, checked: checked)
            let (upBias, downBias) = (try model.bias(names.up), try model.bias(names.down))
            let slots = users[expert]
            // Slots stand in the order of tokens: a worker's share of them has tokens of its own.
            let shareSize = (slots.count + workers - 1) / workers
            share(workers, among: workers) { worker, part in
                let end = min((part + 1) * shareSize, slots.count)
                var start = part * shareSize
                while start < end {
                    let next = min(start + Self.tileRows, end)
                    runTile(slots[start..<next], tiles[worker], upBias, downBias)
                    start = next
                }
            }
        }
    }

    private func widen(_ names: ExpertTensors, workers: Int, checked: Bool) throws {
        let pieces =
            try model.rowPieces(names.up, into: up.values)
            + model.rowPieces(names.down, into: down.values)
        try pieces.widen(workers: workers, checked: checked)
        WeightMatrix.pack([up, down], workers: workers)
    }

    /// Adds factor * expert(input) to the output of up to `tileRows` tokens.
    private func runTile(
        _ slots: ArraySlice<Int32>, _ tile: Tile, _ upBias: [Float], _ downBias: [Float]
    ) {
        let (dModel, dExpert, count) = (model.description.dModel, experts.dExpert, Self.tileRows)
        let scalesInput = experts.router.scoring == .sigmoidOfInput
        for (row, slot) in slots.enumerated() {
            let target = tile.input + row * dModel
            target.update(from: rows.input + Int(slot) / experts.chosen * dModel, count: dModel)
            if scalesInput {
                let factor = rows.factors[Int(slot)]
                for i in 0..<dModel { target[i] *= factor }
            }
        }
        up.multiply(count, tile.input, dModel, into: tile.hidden, 2 * dExpert)
        addRows(upBias, to: tile.hidden, rows: slots.count)
        activate(tile.hidden, rows: slots.count)
        down.multiply(count, tile.hidden, 2 * dExpert, into: tile.output, dModel)
        addRows(downBias, to: tile.output, rows: slots.count)
        for (row, slot) in slots.enumerated() {
            let factor = scalesInput ? 1 : rows.factors[Int(slot)]
            let source = tile.output + row * dModel
            let target = rows.output + Int(slot) / experts.chosen * dModel
            for i in 0..<dModel { target[i] += factor * source[i] }
        }
    }

    private func addRows(_ bias: [Float], to x: UnsafeMutablePointer<Float>, rows: Int) {
        guard !bias.isEmpty else { return }
        for row in 0..<rows { Tensors.add(bias, to: x + row * bias.count, bias.count) }
    }

    /// The expert's function, left in the first `dExpert` of each row's 2 dExpert.
    private func activate(_ x: UnsafeMutablePointer<Float>, rows: Int) {
        let dExpert = experts.dExpert
        switch experts.activation {
        case .gated(let activation):
            activation.apply(x, rows: rows, hidden: dExpert, stride: 2 * dExpert, isGated: true)
        case .clamped(let limit, let slope, let inTurn):
            let (step, toUp) = inTurn ? (2, 1) : (1, dExpert)
            for row in 0..<rows {
                let values = x + row * 2 * dExpert
                for i in 0..<dExpert {
                    let gate = min(values[step * i], limit)
                    let up = min(max(values[step * i + toUp], -limit), limit)
                    values[i] = (up + 1) * gate / (1 + exp(Lanes(repeating: -slope * gate))[0])
                }
            }
        }
    }
}

/// What the tokens of a batch give to their experts and get back.
private final class ExpertRows {
    let capacity: Int
    /// [tokens, dModel].
    let input: UnsafeMutablePointer<Float>
    let output: UnsafeMutablePointer<Float>
    /// [tokens, chosen].
    let indices: UnsafeMutablePointer<Int32>
    let factors: UnsafeMutablePointer<Float>
    /// The first token of each sequence.
    private(set) var starts: [Int] = []
    private(set) var count = 0
    private let chosen: Int

    init(capacity: Int, dModel: Int, chosen: Int) {
        self.capacity = capacity
        self.chosen = chosen
        input = .allocate(capacity: capacity * dModel)
        output = .allocate(capacity: capacity * dModel)
        indices = .allocate(capacity: capacity * chosen)
        factors = .allocate(capacity: capacity * chosen)
    }

    deinit {
        input.deallocate()
        output.deallocate()
        indices.deallocate()
        factors.deallocate()
    }

    func begin(_ lengths: [Int]) {
        starts = []
        count = 0
        for length in lengths {
            starts.append(count)
            count += length
        }
    }

    /// For each expert the slots (token * chosen + rank) that chose it, in the order of tokens.
    func tokensByExpert(_ experts: Int) -> [[Int32]] {
        var slots = [[Int32]](repeating: [], count: experts)
        for slot in 0..<count * chosen { slots[Int(indices[slot])].append(Int32(slot)) }
        return slots
    }
}

extension Block {
    /// Gives the experts their input and routes its tokens.
    ///
    /// - Returns: whether every value was finite.
    func prepareExperts(
        _ x: UnsafeMutablePointer<Float>, length: Int, sequence: Int, _ layer: ExpertLayer
    ) -> Bool {
        guard let experts = description.experts else { return false }
        let dModel = description.dModel
        let input = layer.input(of: sequence)
        var isFinite = true
        if let norm = weights.expertsNorm ?? weights.feedForwardNorm {
            isFinite = normalize(norm, x, length, into: input)
        } else {
            input.update(from: x, count: length * dModel)
        }
        var routed = UnsafePointer(input)
        if let norm = weights.routerNorm {
            isFinite = normalize(norm, x, length, into: workspace.projected) && isFinite
            routed = UnsafePointer(workspace.projected)
            for i in 0..<length * dModel { workspace.projected[i] *= experts.router.inputScale }
        }
        product(
            routed, dModel, .router, rows: experts.count, into: workspace.scratch, length: length)
        layer.route(sequence, length: length, workspace.scratch, weights)
        return isFinite
    }

    /// Adds what the experts wrote, the MLP that all tokens run through and the dense MLP beside them.
    ///
    /// - Returns: whether every value was finite.
    func finishExperts(
        _ x: UnsafeMutablePointer<Float>, length: Int, sequence: Int, _ layer: ExpertLayer,
        perLayer: PerLayerInput?, tokens: ArraySlice<Int32>
    ) -> Bool {
        let d = description
        let (dModel, output) = (d.dModel, layer.output(of: sequence))
        var isFinite = normalize(weights.expertsOutputNorm, output, length, into: output)
        if let experts = d.experts, experts.dShared > 0 {
            addShared(experts, input: layer.input(of: sequence), to: output, length: length)
        }
        if kind.hasMLP {
            hiddenActivations(feedForwardInput(x, length: length, &isFinite), length: length)
            product(
                workspace.hidden, d.dMLP(of: self.layer), .down, rows: dModel,
                into: workspace.projected, inputStride: d.upWidth(of: self.layer), length: length)
            isFinite =
                normalize(
                    weights.denseOutputNorm, workspace.projected, length, into: workspace.projected)
                && isFinite
            Tensors.add(workspace.projected, to: output, length * dModel)
        }
        isFinite =
            normalize(weights.feedForwardOutputNorm, output, length, into: output) && isFinite
        if d.residualScale == 1 {
            Tensors.add(output, to: x, length * dModel)
        } else {
            for i in 0..<length * dModel { x[i] += d.residualScale * output[i] }
        }
        watch?(.feedForward, x)
        return end(x, length: length, perLayer: perLayer, tokens: tokens) && isFinite
    }

    private func addShared(
        _ experts: Experts, input: UnsafePointer<Float>, to output: UnsafeMutablePointer<Float>,
        length: Int
    ) {
        let (dModel, hidden) = (description.dModel, workspace.hidden)
        product(input, dModel, .sharedUp, rows: 2 * experts.dShared, into: hidden, length: length)
        description.activation.apply(
            hidden, rows: length, hidden: experts.dShared, stride: 2 * experts.dShared,
            isGated: true)
        product(
            hidden, experts.dShared, .sharedDown, rows: dModel, into: workspace.projected,
            inputStride: 2 * experts.dShared, length: length)
        if experts.gatesShared {
            product(input, dModel, .sharedGate, rows: 1, into: workspace.scratch, length: length)
            for position in 0..<length {
                let gate = 1 / (1 + exp(Lanes(repeating: -workspace.scratch[position]))[0])
                let row = workspace.projected + position * dModel
                for i in 0..<dModel { row[i] *= gate }
            }
        }
        Tensors.add(workspace.projected, to: output, length * dModel)
    }
}
