// SPDX-License-Identifier: Apache-2.0
// The sample of one head after another.

import AttentionStats
import Sampling
import Stages
import UserErrors
import WorkFiles

/// Chooses the sequences of each head and fetches their patterns.
struct HeadSampler {
    private let scan: ScanFile
    private let samplesPerInterval: Int
    private let top: Int
    /// [sequence, head].
    private let maxActivations: [Float]
    private let patterns: PairTable
    /// For each head, its rows of `patterns` by sequence.
    private let rowOf: [[Int: Int]]

    init(_ scan: ScanFile, samplesPerInterval: Int, top: Int) throws {
        self.scan = scan
        self.samplesPerInterval = samplesPerInterval
        self.top = top
        maxActivations = try scan.maxActivations()
        patterns = try scan.patterns()
        var rowOf = [[Int: Int]](repeating: [:], count: scan.header.heads.count)
        for (i, row) in patterns.rows.enumerated() { rowOf[row.head][row.sequence] = i }
        self.rowOf = rowOf
    }

    func sample(_ head: Int) throws -> HeadSample {
        let header = scan.header
        let address = header.heads[head]
        let activations = (0..<scan.nSequences).map {
            maxActivations[$0 * header.heads.count + head]
        }
        let priority = Priority(seed: header.seed, layer: address.layer, head: address.head)
        let candidates = (0..<scan.nSequences).filter {
            header.priorityThreshold == .max || priority($0) < header.priorityThreshold
        }
        let chosen = chooseSequences(
            Intervals(activations, count: header.nIntervals), candidates: candidates,
            priority: priority, samplesPerInterval: samplesPerInterval, top: top)
        let pairs = try fetchPatterns(head, chosen.map(\.sequence))
        let sequences = zip(chosen, pairs).map { chosen, pairs in
            SampledSequence(
                sequence: chosen.sequence, interval: chosen.interval, isTop: chosen.isTop,
                maxActivation: activations[chosen.sequence], pairs: pairs)
        }
        return HeadSample(
            sequences: sequences, activations: Histogram(activations: activations),
            distances: Histogram(distances: pairs, maxLength: header.maxLength),
            tables: tables(sequences))
    }

    /// The stored patterns of some sequences, in their order, read in file order.
    private func fetchPatterns(_ head: Int, _ sequences: [Int]) throws -> [[AttentionPair]] {
        var rows: [(row: Int, place: Int)] = []
        for (place, sequence) in sequences.enumerated() {
            guard let row = rowOf[head][sequence] else {
                throw UserError(
                    "the scan has no pattern of \(scan.header.heads[head]) on sequence \(sequence); run stage-scan again."
                )
            }
            rows.append((row, place))
        }
        rows.sort { $0.row < $1.row }
        var lists = [[AttentionPair]](repeating: [], count: sequences.count)
        for (row, pairs) in zip(rows, try patterns.pairs(rows.map(\.row))) {
            lists[row.place] = pairs
        }
        return lists
    }

    private func tables(_ sequences: [SampledSequence]) -> [String: [TokenWeight]] {
        let tables = TokenTables(
            sequences.map { (scan.tokens(of: $0.sequence), $0.pairs) }, display: scan.display)
        let all = [tables.queries, tables.keys, tables.queryMeans, tables.keyMeans]
        return Dictionary(uniqueKeysWithValues: zip(SampleFile.tableNames, all))
    }
}
