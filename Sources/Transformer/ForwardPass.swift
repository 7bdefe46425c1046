// SPDX-License-Identifier: Apache-2.0
// The forward pass of batches of sequences, layer by layer, up to the last layer that is studied.

import Foundation
import Synchronization
import Tensors
import UserErrors

/// Runs batches of sequences through a model, with one worker per core over the sequences.
///
/// A sequence's numbers depend on its tokens alone: every matrix product is made of one sequence, so
/// neither the batch nor the number of workers changes a bit.
public final class ForwardPass {
    /// The model that runs.
    public let model: Model
    /// The heads that visitors see.
    public let selection: HeadSelection
    /// How many sequences are computed at the same time.
    public let workers: Int
    /// The longest sequence there is room for.
    public let maxLength: Int

    /// How long widening took in the last batch, of its run's time.
    package private(set) var wideningSeconds = 0.0

    private let embedding: Embedding
    private let weights: LayerWeights
    private let rotaries: [RotaryTable]
    private let keyBiases: KeyBiasTable?
    private let workspaces: [Workspace]
    private let experts: ExpertLayer?
    private let sharedKeys: SharedKeyValues?
    private let perLayer: PerLayerInput?
    private var residual: ResidualStreams
    private let stopsAtAttention: Bool
    private let lastLayer: Int
    private var hasCheckedWeights = false

    /// Prepares the memory for sequences of up to `maxLength` tokens.
    ///
    /// - Parameters:
    ///   - selection: heads the model has; the pass ends with the deepest of their layers.
    ///   - precision: of the weight products; everything else is Float32.
    ///   - throughLastLayer: run all layers of the model, whatever is studied; `stopsAtAttention` does not count then.
    ///   - stopsAtAttention: leave out what that layer does after its studied heads have attended;
    ///     `residual(of:)` and `logits(of:)` need it.
    public init(
        _ model: Model, selection: HeadSelection, maxLength: Int, workers: Int,
        precision: Precision = .float32, stopsAtAttention: Bool = true,
        throughLastLayer: Bool = false
    ) throws {
        let d = model.description
        precondition(selection.lastLayer < d.nLayers && maxLength > 0 && workers > 0)
        guard !d.limitsPositions || maxLength <= d.nCtx else {
            throw UserError(
                "\(model.url.path): the model has \(d.nCtx) positions, fewer than the sequence length of \(maxLength); lower SEQ_LEN."
            )
        }
        try Self.checkMemory(model, precision, maxLength: maxLength, workers: workers)
        try precision.requireSupport()
        BLAS.prepare()
        self.model = model
        self.selection = selection
        self.workers = workers
        self.maxLength = maxLength
        self.stopsAtAttention = stopsAtAttention && !throughLastLayer
        lastLayer = throughLastLayer ? d.nLayers - 1 : selection.lastLayer
        embedding = try Embedding(model)
        weights = LayerWeights(model, precision: precision)
        rotaries = d.rotaries.map { RotaryTable($0, positions: maxLength) }
        keyBiases = d.keyBias.map { KeyBiasTable($0, positions: maxLength) }
        workspaces = (0..<workers).map { _ in Workspace(d, maxLength: maxLength) }
        experts = try ExpertLayer(model, workers: workers, precision: precision)
        sharedKeys = SharedKeyValues(d)
        perLayer = try PerLayerInput(model, embedding)
        residual = ResidualStreams(dModel: d.dModel)
    }

    /// Refuses what cannot fit before anything is allocated. The products cannot overflow: the weights
    /// have been found in a file in these sizes.
    private static func checkMemory(
        _ model: Model, _ precision: Precision, maxLength: Int, workers: Int
    ) throws {
        let d = model.description
        let rotary = d.rotaries.map { 2 * $0.inverseFrequencies.count * maxLength }.reduce(0, +)
        let weights = LayerWeights.count(model) + ExpertLayer.weightCount(d)
        let floats =
            ExpertLayer.count(d, workers: workers)
            + workers * Workspace.count(d, maxLength: maxLength) + rotary
        // In bfloat16 weights are there twice: as they are widened, and packed.
        let needed = 4 * Double(floats) + Double(weights) * (precision == .bf16 ? 6 : 4)
        let available = Double(ProcessInfo.processInfo.physicalMemory)
        guard needed < available else {
            let gibibytes = { (bytes: Double) in String(format: "%.1f GiB", bytes / 0x1p30) }
            throw UserError(
                "\(model.url.path): one layer and \(workers) sequences of \(maxLength) tokens take \(gibibytes(needed)) of memory, more than the \(gibibytes(available)) there are; lower SEQ_LEN or WORKERS."
            )
        }
    }

    /// Runs a batch.
    ///
    /// - Parameters:
    ///   - batch: sequences of at least one and at most `maxLength` ids within the vocabulary.
    ///   - visitors: one for each worker.
    ///   - afterLayer: called when all sequences of the batch have been through a layer; of the last one that is
    ///     studied, through its attention.
    /// - Throws: when the model's numbers stop being finite, and what `afterLayer` throws.
    public func run<Visitor: AttentionVisitor>(
        _ batch: [ArraySlice<Int32>], visitors: [Visitor],
        afterLayer: (_ layer: Int) throws -> Void = { _ in }
    ) throws {
        precondition(visitors.count == workers, "one visitor a worker")
        let size = Int32(clamping: model.description.dVocab)
        for ids in batch {
            precondition(!ids.isEmpty && ids.count <= maxLength, "a sequence must fit")
            if let id = ids.first(where: { $0 < 0 || $0 >= size }) {
                throw UserError(
                    "token id \(id) is outside the model's vocabulary of \(size); do tokenizer and model belong together?"
                )
            }
        }
        wideningSeconds = 0
        let lengths = batch.map(\.count)
        residual.reserve(lengths)
        experts?.reserve(lengths)
        sharedKeys?.reserve(lengths)
        share(batch.count, among: workers) { worker, s in
            embedding.embed(batch[s], into: residual[s])
            watch(visitors[worker], layer: 0, s, batch[s])?(.embedding, residual[s])
        }
        for layer in 0...lastLayer {
            let isLast = stopsAtAttention && layer == lastLayer
            let start = ContinuousClock.now
            try weights.load(
                layer, attentionOnly: isLast, workers: workers, checked: !hasCheckedWeights)
            wideningSeconds += (ContinuousClock.now - start) / .seconds(1)
            try forEachSequence(batch, layer) { worker, s in
                runBlock(
                    layer, sequence: s, batch[s], workspaces[worker], visitors[worker],
                    isLast: isLast)
            }
            if !isLast, model.description.layers[layer].hasExperts, let experts {
                try runExperts(experts, layer, batch, visitors)
            }
            try afterLayer(layer)
        }
        hasCheckedWeights = true
    }

    /// What follows a layer's attention where it has experts, whose tokens come from all sequences.
    private func runExperts(
        _ experts: ExpertLayer, _ layer: Int, _ batch: [ArraySlice<Int32>],
        _ visitors: [some AttentionVisitor]
    ) throws {
        try experts.run(layer: layer, workers: workers, checked: !hasCheckedWeights)
        try forEachSequence(batch, layer) { worker, s in
            block(
                layer, workspaces[worker], watch(visitors[worker], layer: layer, s, batch[s])
            ).finishExperts(
                residual[s], length: batch[s].count, sequence: s, experts, perLayer: perLayer,
                tokens: batch[s])
        }
    }

    /// Shares a batch out among the workers.
    ///
    /// - Parameter body: returns whether every value was finite.
    private func forEachSequence(
        _ batch: [ArraySlice<Int32>], _ layer: Int, _ body: (_ worker: Int, _ sequence: Int) -> Bool
    ) throws {
        let broken = Atomic(false)
        share(batch.count, among: workers) { worker, s in
            if !body(worker, s) { broken.store(true, ordering: .relaxed) }
        }
        guard !broken.load(ordering: .relaxed) else {
            throw UserError(
                "\(model.url.path): layer \(layer) produced NaN or infinity; the weights are damaged or need more range than Float32."
            )
        }
    }

    private func block(_ layer: Int, _ workspace: Workspace, _ watch: ResidualWatch?) -> Block {
        let d = model.description
        return Block(
            d, layer: layer, weights: weights, rotary: d.layers[layer].rotary.map { rotaries[$0] },
            workspace: workspace, watch: watch)
    }

    private func watch(
        _ visitor: some AttentionVisitor, layer: Int, _ sequence: Int, _ tokens: ArraySlice<Int32>
    ) -> ResidualWatch? {
        ResidualWatch(
            visitor, layer: layer, sequence: sequence, length: tokens.count,
            dModel: model.description.dModel)
    }

    /// The residual stream after the last layer that ran, [length, dModel], of a sequence of the last
    /// batch.
    public func residual(of sequence: Int, length: Int) -> [Float] {
        precondition(!stopsAtAttention)
        return Array(
            UnsafeBufferPointer(start: residual[sequence], count: length * model.description.dModel)
        )
    }

    private func runBlock<Visitor: AttentionVisitor>(
        _ layer: Int, sequence: Int, _ tokens: ArraySlice<Int32>, _ workspace: Workspace,
        _ visitor: Visitor, isLast: Bool
    ) -> Bool {
        let (x, length) = (residual[sequence], tokens.count)
        let block = block(
            layer, workspace, watch(visitor, layer: layer, sequence, tokens))
        let slot = sharedKeys?.slot(block.kind, layer: layer, sequence: sequence)
        guard let input = block.project(x, length: length, sharedKeys: slot) else { return false }
        if block.kind.hasAttention {
            attend(
                layer, sequence: sequence, length: length, block, input, visitor, isLast: isLast)
        }
        if isLast { return true }
        var isFinite = block.finishAttention(x, length: length)
        if block.kind.hasExperts, let experts {
            isFinite =
                block.prepareExperts(x, length: length, sequence: sequence, experts) && isFinite
        } else {
            isFinite =
                block.finishFeedForward(x, length: length, perLayer: perLayer, tokens: tokens)
                && isFinite
        }
        return isFinite
    }

    private func attend<Visitor: AttentionVisitor>(
        _ layer: Int, sequence: Int, length: Int, _ block: Block, _ input: UnsafePointer<Float>,
        _ visitor: Visitor, isLast: Bool
    ) {
        let d = model.description
        let workspace = block.workspace
        let studied = selection.inLayer(layer)
        if !studied.isEmpty {
            visitor.enter(
                LayerView(
                    layer: layer, sequence: sequence, length: length, dModel: d.dModel,
                    residual: UnsafePointer(residual[sequence]), attentionInput: input,
                    qkv: UnsafePointer(workspace.qkv), stride: block.shape.qkvWidth,
                    shape: block.shape))
        }
        let attention = Attention(
            description: d, layer: layer, sequence: sequence, length: length, workspace: workspace,
            shape: block.shape, sinks: weights.sinks, keyBiases: keyBiases,
            output: isLast ? nil : UnsafePointer(weights[.output].values))
        let needsOutput = !isLast || visitor.needsOutput(ofSequence: sequence)
        var next = studied.startIndex
        for head in 0..<d.nHeads {
            if next < studied.endIndex, studied[next].head == head {
                attention.run(
                    head: head, headIndex: studied[next].index, visitor: visitor,
                    needsOutput: needsOutput)
                next += 1
            } else if !isLast {
                attention.run(head: head)
            }
        }
    }
}

/// The residual streams of a batch, one after the other in memory that grows to the largest batch.
struct ResidualStreams: ~Copyable {
    private let dModel: Int
    private var storage: UnsafeMutableBufferPointer<Float>
    private var starts: [Int] = []

    init(dModel: Int) {
        self.dModel = dModel
        storage = .allocate(capacity: 0)
    }

    deinit { storage.deallocate() }

    /// Makes room for sequences of these lengths.
    mutating func reserve(_ lengths: [Int]) {
        starts.removeAll(keepingCapacity: true)
        var total = 0
        for length in lengths {
            starts.append(total)
            total += length * dModel
        }
        if total > storage.count {
            storage.deallocate()
            storage = .allocate(capacity: total)
        }
    }

    /// The residual stream of one sequence, [length, dModel].
    subscript(_ sequence: Int) -> UnsafeMutablePointer<Float> {
        guard let base = storage.baseAddress else { preconditionFailure("an empty batch") }
        return base + starts[sequence]
    }
}
