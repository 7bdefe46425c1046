// SPDX-License-Identifier: Apache-2.0
// One transformer block on one sequence: the only implementation, for every family.

import Tensors

/// Everything a block needs besides the residual stream it changes.
struct Block {
    let description: ModelDescription
    let layer: Int
    let weights: LayerWeights
    let rotary: RotaryTable?
    let workspace: Workspace
    /// Whom to tell of the steps of the residual stream.
    let watch: ResidualWatch?
    let kind: ModelDescription.LayerKind
    let shape: ModelDescription.HeadShape

    init(
        _ description: ModelDescription, layer: Int, weights: LayerWeights, rotary: RotaryTable?,
        workspace: Workspace, watch: ResidualWatch?
    ) {
        self.description = description
        self.layer = layer
        self.weights = weights
        self.rotary = rotary
        self.workspace = workspace
        self.watch = watch
        kind = description.layers[layer]
        shape = description.shape(of: layer)
    }

    // MARK: Attention

    /// Normalises into q, k and v: the part of a block that even the last studied layer needs.
    ///
    /// - Parameters:
    ///   - x: [length, dModel], the residual stream.
    ///   - sharedKeys: where keys and values are kept for layers that share them.
    /// - Returns: the input of the projections, [length, dModel]; nil if a value was not finite.
    func project(
        _ x: UnsafeMutablePointer<Float>, length: Int, sharedKeys: SharedKeyValues.Slot?
    ) -> UnsafePointer<Float>? {
        guard let input = normalizedInput(x, length: length) else { return nil }
        guard kind.hasAttention else {
            return mixDeltaNet(input, length: length) ? input : nil
        }
        if description.latent != nil {
            guard projectLatent(input, length: length) else { return nil }
        } else {
            project(input, length: length)
        }
        guard shapeQueriesAndKeys(length) else { return nil }
        if let sharedKeys { share(sharedKeys, length: length) }
        return input
    }

    private func normalizedInput(
        _ x: UnsafeMutablePointer<Float>, length: Int
    ) -> UnsafePointer<Float>? {
        guard let norm = weights.inputNorm else { return UnsafePointer(x) }
        let target = description.addsToNormedInput ? x : workspace.normed
        let isFinite = norm.normalize(
            length, x, description.dModel, into: target, description.dModel)
        if description.addsToNormedInput { watch?(.norm(norm), x) }
        return isFinite ? UnsafePointer(target) : nil
    }

    private func project(_ input: UnsafePointer<Float>, length: Int) {
        let rows = kind.keysFrom == nil ? shape.qkvWidth : shape.nHeads * shape.dHead
        product(
            input, description.dModel, .qkv, rows: rows, into: workspace.qkv,
            stride: shape.qkvWidth, length: length)
        guard description.gatesOutput else { return }
        product(
            input, description.dModel, .outputGate, rows: shape.zWidth, into: workspace.gate,
            length: length)
        sigmoid(workspace.gate, length * shape.zWidth)
    }

    /// y = x W^T + b for the matrix of a role.
    func product(
        _ x: UnsafePointer<Float>, _ columns: Int, _ role: MatrixRole, rows: Int,
        into y: UnsafeMutablePointer<Float>, stride: Int? = nil, inputStride: Int? = nil,
        length: Int
    ) {
        let stride = stride ?? rows
        weights[role].multiply(length, x, inputStride ?? columns, into: y, stride)
        addBias(weights.bias(role), to: y, stride: stride, rows: length)
    }

    /// Norms, clipping, rotary positions and factors of queries, keys and values.
    private func shapeQueriesAndKeys(_ length: Int) -> Bool {
        let d = description
        var isFinite = d.normalizesAfterRotary || normalizeQueriesAndKeys(length)
        if let clip = d.qkvClip {
            for i in 0..<length * shape.qkvWidth {
                workspace.qkv[i] = min(max(workspace.qkv[i], -clip), clip)
            }
        }
        if let norm = weights.valueNorm, kind.keysFrom == nil {
            for kv in 0..<shape.nKVHeads {
                let start = workspace.qkv + shape.valueOffset(kv)
                isFinite =
                    norm.normalize(length, start, shape.qkvWidth, into: start, shape.qkvWidth)
                    && isFinite
            }
        }
        if let rotary {
            // Keys follow the queries in the row, so one call turns both.
            let heads = shape.nHeads + (kind.keysFrom == nil ? shape.nKVHeads : 0)
            for position in 0..<length {
                rotary.rotate(
                    workspace.qkv + position * shape.qkvWidth, heads: heads,
                    dHead: shape.dHead, position: position)
            }
        }
        if d.normalizesAfterRotary { isFinite = normalizeQueriesAndKeys(length) && isFinite }
        scaleQueries(length)
        return isFinite
    }

    private func normalizeQueriesAndKeys(_ length: Int) -> Bool {
        var isFinite = true
        func normalize(_ norm: HeadNormWeights?, from offset: Int, heads: Int) {
            guard let norm else { return }
            for head in 0..<(norm.coversAllHeads ? 1 : heads) {
                let norm = norm.norm(of: head)
                let start = workspace.qkv + offset + head * norm.weight.count
                isFinite =
                    norm.normalize(length, start, shape.qkvWidth, into: start, shape.qkvWidth)
                    && isFinite
            }
        }
        normalize(weights.queryNorm, from: 0, heads: shape.nHeads)
        if kind.keysFrom == nil {
            normalize(weights.keyNorm, from: shape.keyOffset(0), heads: shape.nKVHeads)
        }
        return isFinite
    }

    private func scaleQueries(_ length: Int) {
        guard kind.queryScale != .init() else { return }
        for position in 0..<length {
            let factor = kind.queryScale(position)
            let row = workspace.qkv + position * shape.qkvWidth
            for i in 0..<shape.nHeads * shape.dHead { row[i] *= factor }
        }
    }

    /// Reads another layer's keys and values, or keeps this layer's for others.
    private func share(_ slot: SharedKeyValues.Slot, length: Int) {
        let (start, count) = (shape.keyOffset(0), shape.qkvWidth - shape.keyOffset(0))
        for position in 0..<length {
            let own = workspace.qkv + position * shape.qkvWidth + start
            let kept = slot.rows + position * slot.width
            if slot.isOwn {
                kept.update(from: own, count: count)
            } else {
                own.update(from: kept, count: count)
            }
        }
    }

    /// Adds attention's output, from z, to the residual stream.
    ///
    /// - Returns: whether every value was finite.
    func finishAttention(_ x: UnsafeMutablePointer<Float>, length: Int) -> Bool {
        let d = description
        var isFinite = true
        // A parallel MLP reads the residual stream as it was before attention is added.
        if d.hasParallelResidual {
            isFinite = normalize(weights.feedForwardNorm, x, length, into: workspace.normed)
        }
        let zWidth = kind.hasAttention ? shape.zWidth : d.deltaNet?.outputWidth ?? 0
        if kind.hasAttention, d.gatesOutput { gateOutput(length) }
        addProjection(
            workspace.z, zWidth, .output, stride: zWidth, norm: weights.attentionOutputNorm, to: x,
            length: length, &isFinite)
        watch?(kind.hasAttention ? .attention : .linearAttention, x)
        return normalizeStream(weights.afterAttentionNorm, x, length) && isFinite
    }

    private func gateOutput(_ length: Int) {
        for i in 0..<length * shape.zWidth { workspace.z[i] *= workspace.gate[i] }
    }

    // MARK: MLP

    /// Adds the MLP to the residual stream and ends the block.
    ///
    /// - Returns: whether every value was finite.
    func finishFeedForward(
        _ x: UnsafeMutablePointer<Float>, length: Int, perLayer: PerLayerInput?,
        tokens: ArraySlice<Int32>
    ) -> Bool {
        var isFinite = true
        if kind.hasMLP {
            let input = feedForwardInput(x, length: length, &isFinite)
            hiddenActivations(input, length: length)
            addProjection(
                workspace.hidden, description.dMLP(of: layer), .down,
                stride: description.upWidth(of: layer), norm: weights.feedForwardOutputNorm, to: x,
                length: length, &isFinite)
            watch?(.feedForward, x)
        }
        return end(x, length: length, perLayer: perLayer, tokens: tokens) && isFinite
    }

    /// What comes after the MLP or the experts.
    func end(
        _ x: UnsafeMutablePointer<Float>, length: Int, perLayer: PerLayerInput?,
        tokens: ArraySlice<Int32>
    ) -> Bool {
        var isFinite = normalizeStream(weights.afterFeedForwardNorm, x, length)
        if let perLayer {
            isFinite = add(perLayer, of: tokens, to: x) && isFinite
            watch?(.perLayerInput, x)
        }
        if weights.outputScale != 1 {
            for i in 0..<length * description.dModel { x[i] *= weights.outputScale }
            watch?(.scale(weights.outputScale), x)
        }
        return isFinite
    }

    /// The input of MLP or experts: normalised where the block has a norm for it.
    func feedForwardInput(
        _ x: UnsafeMutablePointer<Float>, length: Int, _ isFinite: inout Bool
    ) -> UnsafePointer<Float> {
        guard weights.feedForwardNorm != nil else { return UnsafePointer(x) }
        let target = description.addsToNormedInput ? x : workspace.normed
        if !description.hasParallelResidual {
            isFinite = normalize(weights.feedForwardNorm, x, length, into: target) && isFinite
            if let norm = weights.feedForwardNorm, description.addsToNormedInput {
                watch?(.norm(norm), x)
            }
        }
        return UnsafePointer(target)
    }

    /// The MLP's hidden layer after its activation, in the workspace: rows `upWidth` apart.
    func hiddenActivations(_ input: UnsafePointer<Float>, length: Int) {
        let d = description
        product(
            input, d.dModel, .up, rows: d.upWidth(of: layer), into: workspace.hidden,
            length: length)
        d.activation.apply(
            workspace.hidden, rows: length, hidden: d.dMLP(of: layer),
            stride: d.upWidth(of: layer), isGated: d.isGated)
    }

    /// x += scale norm(input W^T + bias); without a norm the product adds to x directly.
    private func addProjection(
        _ input: UnsafePointer<Float>, _ inputWidth: Int, _ role: MatrixRole, stride: Int,
        norm: NormWeights?, to x: UnsafeMutablePointer<Float>, length: Int, _ isFinite: inout Bool
    ) {
        let (dModel, scale) = (description.dModel, description.residualScale)
        guard let norm else {
            weights[role].multiply(
                length, input, stride, into: x, dModel, scale: scale, adding: true)
            addBias(weights.bias(role), times: scale, to: x, stride: dModel, rows: length)
            return
        }
        product(
            input, inputWidth, role, rows: dModel, into: workspace.projected, inputStride: stride,
            length: length)
        isFinite =
            norm.normalize(length, workspace.projected, dModel, into: workspace.projected, dModel)
            && isFinite
        Tensors.add(workspace.projected, to: x, length * dModel)
    }

    /// The residual stream becomes its norm, if there is one.
    private func normalizeStream(
        _ norm: NormWeights?, _ x: UnsafeMutablePointer<Float>, _ length: Int
    ) -> Bool {
        guard let norm else { return true }
        let isFinite = normalize(norm, x, length, into: x)
        watch?(.norm(norm), x)
        return isFinite
    }

    /// Normalises rows of the residual stream's width if there is a norm.
    func normalize(
        _ norm: NormWeights?, _ x: UnsafePointer<Float>, _ length: Int,
        into y: UnsafeMutablePointer<Float>
    ) -> Bool {
        guard let norm else { return true }
        return norm.normalize(length, x, description.dModel, into: y, description.dModel)
    }

    /// Adds a bias, if there is one, to rows of its width.
    private func addBias(
        _ bias: [Float], times scale: Float = 1, to x: UnsafeMutablePointer<Float>, stride: Int,
        rows: Int
    ) {
        let width = bias.count
        bias.withUnsafeBufferPointer { bias in
            guard let bias = bias.baseAddress else { return }
            for row in 0..<rows {
                if scale == 1 {
                    Tensors.add(bias, to: x + row * stride, width)
                } else {
                    for i in 0..<width { x[row * stride + i] += scale * bias[i] }
                }
            }
        }
    }
}

/// x becomes 1 / (1 + e^-x); sixteen values after the last may be overwritten.
func sigmoid(_ x: UnsafeMutablePointer<Float>, _ count: Int) {
    var i = 0
    while i < count {
        x.store(1 / (1 + exp(-x.lanes(at: i))), at: i)
        i += laneCount
    }
}

/// Keys and values that later layers read again, for all sequences of a batch.
final class SharedKeyValues {
    /// One sequence's rows of keys and values in one layer.
    struct Slot {
        let rows: UnsafeMutablePointer<Float>
        let width: Int
        /// Whether the layer's own keys are to be kept; otherwise they are read.
        let isOwn: Bool
    }

    /// The layers whose keys others read.
    private let sources: [Int]
    private let width: Int
    private var storage: [UnsafeMutablePointer<Float>] = []
    private var starts: [Int] = []
    private var capacity = 0

    /// Nil for a model in which every layer has its own.
    init?(_ d: ModelDescription) {
        sources = Set(d.layers.compactMap(\.keysFrom)).sorted()
        width = d.headShapes.map { $0.qkvWidth - $0.keyOffset(0) }.max() ?? 0
        if sources.isEmpty { return nil }
    }

    deinit { for rows in storage { rows.deallocate() } }

    /// Makes room for sequences of these lengths.
    func reserve(_ lengths: [Int]) {
        starts = []
        var total = 0
        for length in lengths {
            starts.append(total * width)
            total += length
        }
        guard total > capacity || storage.isEmpty else { return }
        for rows in storage { rows.deallocate() }
        storage = sources.map { _ in .allocate(capacity: total * width) }
        capacity = total
    }

    /// Where a layer's keys are kept or read; nil for a layer that does neither.
    func slot(_ kind: ModelDescription.LayerKind, layer: Int, sequence: Int) -> Slot? {
        guard let index = sources.firstIndex(of: kind.keysFrom ?? layer) else { return nil }
        return Slot(
            rows: storage[index] + starts[sequence], width: width, isOwn: kind.keysFrom == nil)
    }
}
