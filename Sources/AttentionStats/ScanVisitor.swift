// SPDX-License-Identifier: Apache-2.0
// A worker's eye on the forward pass: rows go through the sweep, finished heads are thinned out.

import Foundation
import Tensors
import Transformer

/// Gathers the statistics of every studied head of the sequences of one batch after another.
public final class ScanVisitor: AttentionVisitor {
    /// Whether the pattern of a head (by index) on a sequence (of the batch) with this largest
    /// activation is to be kept.
    public typealias PatternRule = (_ head: Int, _ sequence: Int, _ maxActivation: Float) -> Bool

    /// The attention to position 0 above which a query rests there (Gu et al. 2024, arXiv 2410.10781).
    private static let resting: Float = 0.3
    /// Up to which distance attention is local, in tokens.
    private static let locality = 8

    private let plan: ScanPlan
    private var batch: [ScanSequence] = []
    private var results = BatchResults(sequences: 0, heads: 0)
    private var keepsPattern: PatternRule = { _, _, _ in false }

    /// Attention by offset k - q: offset o is at o + length - 1; padded by sixteen.
    private let mass: UnsafeMutablePointer<Float>
    private let massCount: Int
    private var sums = HeadSums()
    private var highPairs: [AttentionPair] = []
    private var outputNorms: OutputNorms
    private var rowsOfKeys: KeyRows

    /// A visitor for sequences of up to `maxLength` tokens.
    public init(_ plan: ScanPlan, maxLength: Int) {
        self.plan = plan
        massCount = 2 * maxLength + laneCount
        mass = .allocate(capacity: massCount)
        mass.initialize(repeating: 0, count: massCount)
        outputNorms = OutputNorms(maxLength: maxLength)
        rowsOfKeys = KeyRows(maxLength: maxLength)
    }

    deinit { mass.deallocate() }

    /// Turns to the next batch.
    public func begin(
        _ batch: [ScanSequence], into results: BatchResults, keepsPattern: @escaping PatternRule
    ) {
        self.batch = batch
        self.results = results
        self.keepsPattern = keepsPattern
        rowsOfKeys.reset()
    }

    public func needsOutput(ofSequence sequence: Int) -> Bool {
        batch[sequence].isInPool || !plan.outputGrams.isEmpty
    }

    public func enter(_ layer: LayerView) {}

    public func attend(_ block: ScoreBlock) {
        if block.queries.lowerBound == 0 { beginHead() }
        let repeats = batch[block.sequence].repeats
        for q in block.queries {
            let row = block.row(q)
            let visible = block.visibleKeys(of: q)
            let first = visible.lowerBound
            let result = sweepRow(
                row + first, visible.count, skipsFirst: first == 0,
                mass: mass + (first - q + block.length - 1), sink: block.sink)
            block.clear(row, outside: visible)
            add(result, visibleKeys: visible.count)
            let (duplicate, induction) = repeats.mass(of: q, in: row, visible: visible)
            sums.duplicateToken += Double(duplicate)
            sums.induction += Double(induction)
            let sink = first == 0 ? row[0] : 0
            sums.sink += Double(sink)
            if sink > Self.resting { sums.restingQueries += 1 }
            guard q > 0 else { continue }
            if result.maxAttention > sums.maxActivation {
                noteMaximum(result.maxAttention, query: q, row, visible)
            }
            if result.maxAttention >= plan.highAttention { addHighPairs(of: q, row, visible) }
        }
    }

    private func beginHead() {
        sums = HeadSums()
        highPairs.removeAll(keepingCapacity: true)
        mass.update(repeating: 0, count: massCount)
    }

    @inline(__always)
    private func add(_ row: RowResult, visibleKeys: Int) {
        sums.entropy += Double(row.entropy)
        sums.learnedSink += Double(row.learnedSink)
        sums.effectiveKeys += exp(Double(row.entropy)) / Double(visibleKeys)
        guard visibleKeys >= 2 else { return }
        sums.logitRows += 1
        sums.logitStd += Double(row.scoreStd)
        sums.topLogitMargin += Double(row.margin)
        sums.logitZScore += Double(row.zScore)
    }

    private func noteMaximum(
        _ value: Float, query: Int, _ row: UnsafePointer<Float>, _ visible: Range<Int>
    ) {
        let keys = max(1, visible.lowerBound)..<visible.upperBound
        sums.maxActivation = value
        sums.maxQuery = Int32(query)
        sums.maxKey = Int32(keys.first { row[$0] == value } ?? keys.lowerBound)
    }

    private func addHighPairs(
        of query: Int, _ row: UnsafePointer<Float>, _ visible: Range<Int>
    ) {
        var k = max(1, visible.lowerBound)
        while k < visible.upperBound {
            if row.lanes(at: k).laneMax >= plan.highAttention {
                for key in k..<min(k + laneCount, visible.upperBound)
                where row[key] >= plan.highAttention {
                    highPairs.append(AttentionPair(query: query, key: key, attention: row[key]))
                }
            }
            k += laneCount
        }
    }

    public func finish(_ head: HeadView) {
        finishDistances(length: head.length)
        if !plan.outputGrams.isEmpty {
            sums.outputNorm = outputNorms.sum(of: head, plan.outputGrams[head.headIndex])
        }
        var result = HeadResult()
        result.massByDistance = massByDistance(length: head.length)
        result.sums = sums
        result.highPairs = highPairs
        if keepsPattern(head.headIndex, head.sequence, sums.maxActivation) {
            result.pattern = pattern(head)
        }
        if batch[head.sequence].isInPool { result.edges = edges(head) }
        if let targets = batch[head.sequence].logits {
            result.directLogits = DirectLogits(
                head, targets, dModel: plan.dModel, residualScale: plan.residualScale)
        }
        result.rootRows = head.rootRows(of: batch[head.sequence].watchedQueries)
        results[head.sequence, head.headIndex] = result
    }

    /// Attention at distance d, in both directions.
    private func massAt(_ distance: Int, length: Int) -> Float {
        let center = length - 1
        return distance == 0
            ? mass[center] : mass[center - distance] + mass[center + distance]
    }

    private func finishDistances(length: Int) {
        sums.selfAttention = Double(mass[length - 1])
        sums.previousToken = length > 1 ? Double(mass[length - 2]) : 0
        sums.local = sums.selfAttention
        for d in 1..<max(length, 1) {
            let m = Double(massAt(d, length: length))
            if d <= Self.locality { sums.local += m }
            sums.distance += m * Double(d)
            sums.distanceSquared += m * Double(d * d)
        }
    }

    private func massByDistance(length: Int) -> [Float] {
        var bins = [Float](repeating: 0, count: DistanceBins.count(forLength: length))
        for d in 0..<length { bins[DistanceBins.bin(of: d)] += massAt(d, length: length) }
        return bins
    }

    private func pattern(_ head: HeadView) -> [AttentionPair] {
        var pairs: [AttentionPair] = []
        pairs.reserveCapacity(head.length * plan.sparsification.entriesPerRow)
        for q in 0..<head.length {
            plan.sparsification.appendRow(
                head.attention + q * head.attentionStride, query: q, keys: head.visibleKeys(of: q),
                to: &pairs)
        }
        return pairs
    }

    private func edges(_ head: HeadView) -> StrongEdges {
        var selector = EdgeSelector(count: plan.edgesPerSequence)
        let norms =
            plan.edgeRanking == .outputNorm
            ? outputNorms.ofValues(of: head, plan.outputGrams[head.headIndex]) : nil
        for q in 1..<max(head.length, 1) {
            selector.offerRow(
                head.attention + q * head.attentionStride, query: q,
                keys: head.visibleKeys(of: q), weights: norms)
        }
        let strongest = selector.strongestFirst()
        var edges = StrongEdges()
        edges.pairs = strongest.map {
            AttentionPair(query: Int($0.query), key: Int($0.key), attention: $0.attention)
        }
        edges.strength = strongest.map(\.strength)
        addVectors(to: &edges, of: head)
        return edges
    }

    /// Gives edges their vectors: those of the queries in their order, and of each key that no head of the group named
    /// before, in the order of the keys.
    private func addVectors(to edges: inout StrongEdges, of head: HeadView) {
        let width = plan.vectorWidth ?? head.dHead
        let pairs = edges.pairs
        edges.queryRow = Array(repeating: 0, count: pairs.count)
        edges.keyRow = edges.queryRow
        var last: UInt16?
        for i in pairs.indices.sorted(by: { pairs[$0].query < pairs[$1].query }) {
            let query = pairs[i].query
            if query != last { head.append(query: Int(query), width: width, to: &edges) }
            last = query
            edges.queryRow[i] = UInt16(edges.q.count - 1)
        }
        let group = plan.keyGroups.isEmpty ? head.headIndex : plan.keyGroups[head.headIndex]
        rowsOfKeys.turn(to: group, sequence: head.sequence)
        for i in pairs.indices.sorted(by: { pairs[$0].key < pairs[$1].key }) {
            edges.keyRow[i] = rowsOfKeys.row(
                of: Int(pairs[i].key), head, in: &results[head.sequence, keyGroup: group],
                width: width)
        }
    }
}

extension HeadView {
    /// Adds q and z of a query, z as W_O reads it, after any gate; no z if it was not computed.
    fileprivate func append(query: Int, width: Int, to edges: inout StrongEdges) {
        edges.q.append(q + query * qkvStride, dHead, width: width)
        guard let z else { return }
        let row = z + query * zStride
        guard let gate else { return edges.z.append(row, dValue, width: width) }
        let gated = (0..<dValue).map { row[$0] * gate[query * zStride + $0] }
        edges.z.append(gated, dValue, width: width)
    }
}
