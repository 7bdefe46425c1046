// SPDX-License-Identifier: Apache-2.0
// Runs the batches of a scan and writes what they found.

import AttentionStats
import Sampling
import Sequences
import Stages
import Transformer
import UserErrors
import WorkFiles

/// One scan of a corpus.
struct Scan {
    /// What can be chosen.
    struct Settings {
        var maxLength: Int
        var samplesPerInterval: Int
        var nIntervals: Int
        var topSequences: Int
        var points: Int
        var edges: EdgeRanking
        var seed: UInt64
        var workers: Int
    }

    private let loaded: LoadedModel
    private let selection: HeadSelection
    private let corpus: TokenizedCorpus
    private let settings: Settings
    private let plan: ScanPlan
    private let priorityThreshold: UInt64
    private let poolThreshold: UInt64
    private let poolPriority: Priority

    /// Of how many sequences the clouds take edges, about: few enough for the page to fetch whole.
    private static let poolSize = 1000
    /// Three times the samples wanted: an interval holds a tenth of the kept ones only on average,
    /// and with 60 expected fewer than 20 turn up once in 10^10.
    private static let keptPerSample = 3
    /// Tokens in a batch: enough that widening a layer's weights is a few percent of its work.
    private static let batchTokens = 16_384

    init(
        loaded: LoadedModel, selection: HeadSelection, corpus: TokenizedCorpus, settings: Settings
    ) throws {
        self.loaded = loaded
        self.selection = selection
        self.corpus = corpus
        self.settings = settings
        priorityThreshold = Priority.threshold(
            keeping: Self.keptPerSample * settings.samplesPerInterval * settings.nIntervals,
            of: corpus.count)
        poolThreshold = Priority.threshold(keeping: Self.poolSize, of: corpus.count)
        poolPriority = Priority(poolSeed: settings.seed)
        let pool = min(Self.poolSize, corpus.count)
        var plan = ScanPlan(
            edgesPerSequence: (settings.points + pool - 1) / pool,
            edgeRanking: settings.edges)
        plan.vectorWidth = loaded.model.description.largestDHead
        if settings.edges == .outputNorm {
            plan.outputGrams = try loaded.model.outputGrams(selection)
        }
        self.plan = plan
    }

    /// Scans everything into `output`.
    func run(output: String) throws {
        try corpus.requireContext(of: loaded)
        let longest = corpus.longest
        let pass = try ForwardPass(
            loaded.model, selection: selection, maxLength: longest, workers: settings.workers)
        let visitors = (0..<settings.workers).map { _ in ScanVisitor(plan, maxLength: longest) }
        let writer = try ScanWriter(
            output, try header(), tokens: corpus.tokens, starts: corpus.starts,
            sources: corpus.sources, files: corpus.files,
            vocabulary: corpus.vocabulary(loaded.tokenizer),
            outputWeights: loaded.model.paddedOutputWeights(of:))
        var top = TopPatterns(heads: selection.heads.count, count: settings.topSequences)
        var progress = Progress("scanning", unit: "tokens", total: corpus.tokens.count)
        var next = 0
        while next < corpus.count {
            let batch = nextBatch(from: next)
            let results = BatchResults(sequences: batch.count, heads: selection.heads.count)
            for visitor in visitors {
                visitor.begin(batch, into: results) { [top] head, sequence, activation in
                    keepsSample(head, batch[sequence].id)
                        || top.admits(activation, head: head, sequence: batch[sequence].id)
                }
            }
            try pass.run(batch.map(\.tokens), visitors: visitors)
            try refuseOverflow(batch, results)
            try writer.append(batch, results) { keepsSample($0, batch[$1].id) }
            top.collect(batch, results) { keepsSample($0, $1) }
            next += batch.count
            progress.update(corpus.starts[next])
        }
        try writer.append(patterns: top.heldBack)
        try writer.finish()
        progress.finish(corpus.tokens.count)
    }

    /// Scores beyond the range of Float32 leave sums that are no numbers; nothing later could use them.
    private func refuseOverflow(_ batch: [ScanSequence], _ results: BatchResults) throws {
        for s in batch.indices {
            for (h, head) in selection.heads.enumerated() where !results[s, h].sums.isFinite {
                throw UserError(
                    "\(loaded.name): the scores of head \(head) on sequence \(batch[s].id) are beyond the range of Float32; leave its layer out of LAYERS, or use other weights."
                )
            }
        }
    }

    /// Whether a head's pattern on a sequence is kept as a candidate for its sample.
    private func keepsSample(_ head: Int, _ sequence: Int) -> Bool {
        guard priorityThreshold != .max else { return true }
        let address = selection.heads[head]
        return Priority(seed: settings.seed, layer: address.layer, head: address.head)(sequence)
            < priorityThreshold
    }

    private func nextBatch(from first: Int) -> [ScanSequence] {
        var batch: [ScanSequence] = []
        var tokens = 0
        var id = first
        while id < corpus.count, tokens < Self.batchTokens || batch.count < 2 * settings.workers {
            let isInPool = poolThreshold == .max || poolPriority(id) < poolThreshold
            batch.append(ScanSequence(id: id, tokens: corpus[id], isInPool: isInPool))
            tokens += corpus[id].count
            id += 1
        }
        return batch
    }

    private func header() throws -> ScanHeader {
        ScanHeader(
            provenance: try provenance(),
            model: ModelSummary(name: loaded.name, loaded.model.description),
            heads: selection.heads, maxLength: settings.maxLength,
            nIntervals: settings.nIntervals, samplesPerInterval: settings.samplesPerInterval,
            topSequences: settings.topSequences, seed: settings.seed,
            priorityThreshold: priorityThreshold, highAttention: plan.highAttention)
    }

    private func provenance() throws -> Provenance {
        var facts = try Provenance(loaded, corpus, maxLength: settings.maxLength)
        facts["heads"] = .text(selection.heads.map(\.description).joined(separator: " "))
        facts["samples_per_interval"] = .int(settings.samplesPerInterval)
        facts["n_intervals"] = .int(settings.nIntervals)
        facts["top_sequences"] = .int(settings.topSequences)
        facts["entries_per_row"] = .int(plan.sparsification.entriesPerRow)
        facts["sparse_threshold"] = .number(Double("\(plan.sparsification.threshold)") ?? 0)
        facts["edge_ranking"] = .text(settings.edges.rawValue)
        facts["edges_per_sequence"] = .int(plan.edgesPerSequence)
        facts["seed"] = .text(String(settings.seed))
        return facts
    }
}

/// The patterns of the top sequences so far that were not kept as samples anyway.
private struct TopPatterns {
    private var top: [TopSequences]
    private var patterns: [[Int: [AttentionPair]]]

    init(heads: Int, count: Int) {
        top = Array(repeating: TopSequences(count: count), count: heads)
        patterns = Array(repeating: [:], count: heads)
    }

    func admits(_ activation: Float, head: Int, sequence: Int) -> Bool {
        top[head].admits(activation, sequence: sequence)
    }

    /// Takes over the patterns of a batch's top sequences, unless `isStored(head, id)`.
    mutating func collect(
        _ batch: [ScanSequence], _ results: BatchResults, isStored: (Int, Int) -> Bool
    ) {
        for head in top.indices {
            for s in batch.indices {
                let id = batch[s].id
                let offer = top[head].offer(results[s, head].sums.maxActivation, sequence: id)
                if let evicted = offer.evicted { patterns[head][evicted] = nil }
                if offer.isKept, !isStored(head, id) {
                    patterns[head][id] = results[s, head].pattern
                }
            }
        }
    }

    /// By head, then sequence.
    var heldBack: [(head: Int, sequence: Int, pairs: [AttentionPair])] {
        patterns.enumerated().flatMap { head, patterns in
            patterns.sorted { $0.key < $1.key }.map { (head, $0.key, $0.value) }
        }
    }
}
