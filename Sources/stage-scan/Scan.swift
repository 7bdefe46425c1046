// SPDX-License-Identifier: Apache-2.0
// Runs the batches of a scan and writes what they found.

import AttentionStats
import Sampling
import Sequences
import Stages
import Tensors
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
        /// Attributes logits to heads; the pass then runs to the model's end.
        var directPath: DirectPath?
        /// Of the weight products.
        var precision: Precision
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
    private let watched: WatchedQueries

    /// Of how many sequences the clouds take edges, about: few enough for the page to fetch whole.
    private static let poolSize = 1000
    /// Three times the samples wanted: an interval holds a tenth of the kept ones only on average,
    /// and with 60 expected fewer than 20 turn up once in 10^10.
    private static let keptPerSample = 3

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
        watched = WatchedQueries(seed: settings.seed, sequences: corpus.count)
        let pool = min(Self.poolSize, corpus.count)
        var plan = ScanPlan(
            edgesPerSequence: (settings.points + pool - 1) / pool,
            edgeRanking: settings.edges)
        plan.dModel = loaded.model.description.dModel
        plan.residualScale = loaded.model.description.residualScale
        plan.keyGroups = selection.keyGroups(of: loaded.model.description)
        plan.vectorWidth = loaded.model.description.largestDHead
        plan.outputGrams = try loaded.model.outputGrams(selection)
        self.plan = plan
    }

    /// Scans the corpus into `output`, or of a shard its part.
    func run(shard: Shard?, output: String) throws {
        try corpus.requireContext(of: loaded)
        let header = try header()
        let samples = SampleRule(header)
        let sequences = shard?.sequences(of: corpus.starts) ?? 0..<corpus.count
        let pass = try ForwardPass(
            loaded.model, selection: selection, maxLength: corpus.longest,
            workers: settings.workers, precision: settings.precision,
            throughLastLayer: settings.directPath != nil)
        let visitors = (0..<settings.workers).map { _ in
            ScanVisitor(plan, maxLength: corpus.longest)
        }
        let sink = try sink(output, header, shard, sequences)
        let lists = ListSpill(into: sink, beside: output)
        let headsOfLayer = Dictionary(
            uniqueKeysWithValues: header.headsByLayer.map {
                (header.heads[$0.lowerBound].layer, $0)
            })
        var top = TopPatterns(heads: selection.heads.count, count: settings.topSequences)
        var likeness = Likeness(heads: selection.heads.count)
        let firstToken = corpus.starts[sequences.lowerBound]
        var progress = Progress(
            "scanning\(shard.map { " shard \($0)" } ?? "")", unit: "tokens",
            total: corpus.starts[sequences.upperBound] - firstToken)
        for blocks in batches(of: ScanBlock.ranges(of: corpus.starts, in: sequences)) {
            let first = blocks[0].lowerBound
            let batch = blocks.joined().map(sequence)
            let results = BatchResults(sequences: batch.count, heads: selection.heads.count)
            for visitor in visitors {
                visitor.begin(batch, into: results) { [top] head, s, activation in
                    samples.keeps(head: head, sequence: batch[s].id)
                        || top.admits(activation, head: head, sequence: batch[s].id)
                }
            }
            // What a layer's heads found is written when the layer is done: memory holds one layer of the batch.
            try pass.run(batch.map(\.tokens), visitors: visitors) { layer in
                guard let heads = headsOfLayer[layer] else { return }
                let groups = plan.keyGroups[heads.lowerBound]...plan.keyGroups[heads.upperBound - 1]
                for (i, block) in blocks.enumerated() {
                    let indices = block.lowerBound - first..<block.upperBound - first
                    try lists.append(
                        ScanLists(
                            batch, indices, results, heads: heads, keyGroups: plan.keyGroups,
                            keepsPattern: samples.keeps), block: i)
                }
                top.collect(batch, results, heads: heads, samples: samples)
                results.removeLists(ofHeads: heads, keyGroups: groups)
            }
            settings.directPath?.finish(batch, results, pass)
            try refuseOverflow(batch, results)
            try lists.finish(
                blocks.map { block in
                    ScanRows(
                        batch, block.lowerBound - first..<block.upperBound - first, results,
                        distanceBins: header.distanceBins)
                })
            likeness.add(batch, results, workers: settings.workers)
            progress.update(corpus.starts[first + batch.count] - firstToken)
        }
        try sink.append(topPatterns: top.heldBack)
        try sink.append(likeness)
        try sink.finish()
        progress.finish(corpus.starts[sequences.upperBound] - firstToken)
    }

    private func sink(
        _ output: String, _ header: ScanHeader, _ shard: Shard?, _ sequences: Range<Int>
    ) throws -> any ScanSink {
        let whole = ScanCorpus(
            tokens: corpus.tokens, starts: corpus.starts, sources: corpus.sources,
            files: corpus.files, vocabulary: corpus.vocabulary(loaded.tokenizer),
            outputWeights: { [model = loaded.model] head in
                HalfVectors(
                    try model.paddedOutputWeights(of: head), width: model.description.dModel)
            })
        guard let shard else { return try ScanWriter(output, header, whole) }
        return try ScanPartWriter(
            output, header, shard: shard, sequences: sequences,
            fingerprint: fingerprint(header, corpus), corpus: whole)
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

    /// Puts blocks that follow each other together until every worker has two sequences to do: a
    /// block is work enough to widen a layer's weights for, but may be of few, long sequences.
    private func batches(of blocks: [Range<Int>]) -> [[Range<Int>]] {
        var batches: [[Range<Int>]] = []
        var count = Int.max
        for block in blocks {
            if count >= 2 * settings.workers {
                batches.append([])
                count = 0
            }
            batches[batches.count - 1].append(block)
            count += block.count
        }
        return batches
    }

    private func sequence(_ id: Int) -> ScanSequence {
        let isInPool = poolThreshold == .max || poolPriority(id) < poolThreshold
        let tokens = corpus[id]
        let watched = watched.queries(ofSequence: id, length: tokens.count)
        return ScanSequence(
            id: id, tokens: tokens, isInPool: isInPool, watchedQueries: watched,
            logits: watched.isEmpty ? nil : settings.directPath?.targets(tokens, from: 1))
    }

    private func header() throws -> ScanHeader {
        ScanHeader(
            provenance: try provenance(),
            model: ModelSummary(name: loaded.name, loaded.model.description),
            heads: selection.heads, keyGroups: plan.keyGroups, maxLength: settings.maxLength,
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
        facts["lens"] = .int(settings.directPath == nil ? 0 : 1)
        facts["seed"] = .text(String(settings.seed))
        // The reference goes without saying.
        if settings.precision != .float32 {
            facts["precision"] = .text(settings.precision.rawValue)
        }
        return facts
    }
}
