// SPDX-License-Identifier: Apache-2.0
// Evidence computed the slow and obvious way: every activation in memory, everything sorted.

import FeatureDictionaries
import Sampling

/// Random numbers, the same in every run.
struct TestRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ (state >> 33)) &* 0xFF51_AFD7_ED55_8CCD
    }
}

/// A corpus in which every activation of every feature is known.
struct DenseCorpus {
    /// Ids by sequence and position.
    var tokens: [[Int32]] = []
    /// By feature, sequence and position; 0 where it does not fire.
    var activations: [[[Float]]]

    /// Sequences of 1 to 60 tokens. Feature f fires at a share of the positions that falls with f, the
    /// last ones nowhere, the one before them at beginnings only; few activations occur, so that many
    /// are equal.
    init(sequences: Int, features: Int, seed: UInt64) {
        var random = TestRandom(state: seed)
        activations = Array(repeating: [], count: features)
        for _ in 0..<sequences {
            let length = Int.random(in: 1...60, using: &random)
            tokens.append((0..<length).map { _ in Int32.random(in: 0..<12, using: &random) })
            for f in 0..<features {
                let density = f >= features - 3 ? 0 : 0.9 / Double(1 + f * f)
                var row = (0..<length).map { _ in
                    Double.random(in: 0..<1, using: &random) < density
                        ? Float.random(in: 0..<8, using: &random).rounded() / 4 + 0.25 : 0
                }
                if f == features - 3 || f == 0 { row[0] = 100 }
                activations[f].append(row)
            }
        }
    }

    /// The codes of some sequences.
    func batch(_ sequences: Range<Int>) -> [(sequence: Int, codes: SparseCodes)] {
        sequences.map { s in
            var codes = SparseCodes()
            for p in tokens[s].indices {
                for f in activations.indices where activations[f][s][p] > 0 {
                    codes.append(Int32(f), activations[f][s][p])
                }
                codes.endRow()
            }
            return (s, codes)
        }
    }

    /// A position where a feature fires.
    struct Firing {
        var sequence: Int
        var position: Int
        var activation: Float
    }

    /// All firings of a feature after position 0, or at it, in corpus order.
    func firings(of f: Int, atBeginnings: Bool = false) -> [Firing] {
        tokens.indices.flatMap { s in
            tokens[s].indices.filter { ($0 == 0) == atBeginnings && activations[f][s][$0] > 0 }.map
            {
                Firing(sequence: s, position: $0, activation: activations[f][s][$0])
            }
        }
    }

    /// A snippet as one reads it off the plan's documentation.
    func snippet(_ f: Int, _ firing: Firing, interval: Int, from first: Int, _ plan: EvidencePlan)
        -> ExpectedSnippet
    {
        let row = activations[f][firing.sequence]
        let shown = row.indices.filter {
            $0 >= first && $0 >= firing.position - plan.before && $0 <= firing.position + plan.after
        }
        return ExpectedSnippet(
            sequence: firing.sequence, position: firing.position, interval: interval,
            positions: shown, activations: shown.map { row[$0] }, activation: firing.activation)
    }

    /// The snippets to expect of a feature.
    func snippets(of f: Int, _ plan: EvidencePlan) -> [ExpectedSnippet] {
        let all = firings(of: f)
        guard !all.isEmpty else {
            let strongest = firings(of: f, atBeginnings: true).max { $0.activation < $1.activation }
            return strongest.map { [snippet(f, $0, interval: plan.nIntervals, from: 0, plan)] }
                ?? []
        }
        var shown: [ExpectedSnippet] = []
        func show(_ firing: Firing, _ interval: Int) -> Bool {
            if shown.contains(where: {
                $0.sequence == firing.sequence && $0.positions.contains(firing.position)
            }) {
                return false
            }
            shown.append(snippet(f, firing, interval: interval, from: 1, plan))
            return true
        }
        let n = plan.nIntervals
        func decile(_ index: Int, _ count: Int) -> Int {
            Int((Double(index + 1) / Double(count) * Double(n) - 1e-9).rounded(.up))
        }
        // Swift's sort is stable: of equals the earlier place stays first.
        let descending = all.sorted { $0.activation > $1.activation }
        for (i, firing) in descending.prefix(plan.top).enumerated()
        where shown.count < plan.shownTop {
            _ = show(firing, decile(all.count - 1 - i, all.count))
        }
        let sample = self.sample(of: f, plan)
        let ranked = sample.indices.sorted {
            let (a, b) = (sample[$0], sample[$1])
            return (a.activation, b.sequence, b.position) < (b.activation, a.sequence, a.position)
        }
        for interval in stride(from: n - 1, through: 1, by: -1) {
            for i in sample.indices {
                let rank = ranked.firstIndex(of: i) ?? 0
                if decile(rank, sample.count) == interval, show(sample[i], interval) { break }
            }
        }
        return shown.sorted {
            ($0.interval, $0.activation, $1.sequence, $1.position)
                > ($1.interval, $1.activation, $0.sequence, $0.position)
        }
    }

    /// The sample to expect of a feature, lowest priority first.
    func sample(of f: Int, _ plan: EvidencePlan) -> [Firing] {
        let priority = Priority(seed: plan.seed, feature: f)
        return Array(
            firings(of: f).sorted {
                priority($0.sequence, $0.position) < priority($1.sequence, $1.position)
            }.prefix(plan.samples))
    }

    /// The tokens to expect of a feature.
    func topTokens(of f: Int, _ plan: EvidencePlan) -> [Int32] {
        var kept = Array(firings(of: f).sorted { $0.activation > $1.activation }.prefix(plan.top))
        for firing in sample(of: f, plan)
        where !kept.contains(where: {
            ($0.sequence, $0.position) == (firing.sequence, firing.position)
        }) {
            kept.append(firing)
        }
        if kept.isEmpty {
            kept =
                firings(of: f, atBeginnings: true).max { $0.activation < $1.activation }.map {
                    [$0]
                } ?? []
        }
        var weights: [Int32: Double] = [:]
        for firing in kept {
            weights[tokens[firing.sequence][firing.position], default: 0] += Double(
                firing.activation)
        }
        let order = weights.keys.sorted {
            weights[$0] == weights[$1] ? $0 < $1 : weights[$0, default: 0] > weights[$1, default: 0]
        }
        let heaviest = weights.values.max() ?? 0
        return order.prefix(plan.topTokens).filter { weights[$0, default: 0] >= heaviest / 10 }
    }
}

/// What a snippet should be.
struct ExpectedSnippet: Equatable {
    var sequence: Int
    var position: Int
    var interval: Int
    var positions: [Int]
    var activations: [Float]
    var activation: Float
}

extension ExpectedSnippet {
    init(_ snippet: EvidenceSnippet) {
        self.init(
            sequence: snippet.place.sequence, position: snippet.place.position,
            interval: snippet.interval, positions: Array(snippet.positions),
            activations: snippet.activations, activation: snippet.activation)
    }
}
