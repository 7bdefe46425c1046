// SPDX-License-Identifier: Apache-2.0
// The evidence of features against a slow computation, and the fairness of its sample.

import FeatureDictionaries
import Sampling
import Testing

@Suite struct EvidenceTests {
    private let corpus = DenseCorpus(sequences: 300, features: 24, seed: 5)

    /// Evidence of everything, in batches of so many sequences.
    private func collect(
        _ corpus: DenseCorpus, _ plan: EvidencePlan = EvidencePlan(), batch: Int = 40,
        workers: Int = 2, isReversed: Bool = false
    ) -> EvidenceCollector {
        var collector = EvidenceCollector(features: corpus.activations.count, plan)
        let starts = Array(stride(from: 0, to: corpus.tokens.count, by: batch))
        for start in isReversed ? starts.reversed() : starts {
            collector.add(
                corpus.batch(start..<min(start + batch, corpus.tokens.count)), workers: workers)
        }
        return collector
    }

    private func evidence(_ collector: EvidenceCollector, _ corpus: DenseCorpus)
        -> [FeatureEvidence]
    {
        corpus.activations.indices.map { collector.evidence(of: $0) { corpus.tokens[$0][...] } }
    }

    @Test func `counts, largest and mean activations are those of all firings`() {
        for (f, found) in evidence(collect(corpus), corpus).enumerated() {
            let all = corpus.firings(of: f).map { Double($0.activation) }
            #expect(found.count == all.count)
            #expect(found.beginnings == corpus.firings(of: f, atBeginnings: true).count)
            #expect(Double(found.maxActivation) == all.max() ?? 0)
            let mean = all.isEmpty ? 0 : all.reduce(0, +) / Double(all.count)
            #expect(abs(found.meanActivation - mean) <= 1e-12 * mean)
        }
    }

    @Test(arguments: [0, 1, 77])
    func `snippets and tokens are those of a slow computation`(seed: UInt64) {
        var plan = EvidencePlan()
        plan.seed = seed
        for (f, found) in evidence(collect(corpus, plan), corpus).enumerated() {
            #expect(found.snippets.map(ExpectedSnippet.init) == corpus.snippets(of: f, plan))
            #expect(found.topTokens == corpus.topTokens(of: f, plan))
        }
    }

    @Test func `other sizes of evidence and windows are kept to`() {
        var plan = EvidencePlan()
        (plan.top, plan.samples, plan.shownTop, plan.before, plan.after) = (3, 70, 2, 2, 0)
        (plan.nIntervals, plan.topTokens) = (4, 2)
        for (f, found) in evidence(collect(corpus, plan), corpus).enumerated() {
            #expect(found.snippets.map(ExpectedSnippet.init) == corpus.snippets(of: f, plan))
            #expect(found.topTokens == corpus.topTokens(of: f, plan))
        }
    }

    @Test func `a feature of many firings has about twelve snippets, the strongest first`() {
        let found = evidence(collect(corpus), corpus)[1]
        #expect(found.count > 1000)
        #expect((10...12).contains(found.snippets.count))
        #expect(found.snippets[0].activation == found.maxActivation)
        #expect(found.snippets[0].interval == 10)
    }

    @Test func `neither batches nor workers change a bit`() {
        let once = evidence(collect(corpus, batch: 300, workers: 1), corpus)
        #expect(evidence(collect(corpus, batch: 7, workers: 3), corpus) == once)
        #expect(evidence(collect(corpus, batch: 1, workers: 2), corpus) == once)
    }

    @Test func `nor does the order of the batches`() {
        let forth = evidence(collect(corpus), corpus)
        #expect(evidence(collect(corpus, batch: 11, isReversed: true), corpus) == forth)
    }

    @Test(arguments: [1, 2, 7, 300])
    func `pieces of a corpus joined are the whole`(pieces: Int) {
        let whole = evidence(collect(corpus), corpus)
        let plan = EvidencePlan()
        let starts = (0...pieces).map { $0 * corpus.tokens.count / pieces }
        let portions = zip(starts, starts.dropFirst()).map { start, end in
            var collector = EvidenceCollector(features: corpus.activations.count, plan)
            collector.add(corpus.batch(start..<end), workers: 2)
            return corpus.activations.indices.map { feature in
                collector.portion(of: feature) { corpus.tokens[$0][...] }
            }
        }
        for order in [Array(portions.indices), portions.indices.reversed()] {
            for feature in corpus.activations.indices {
                var join = EvidenceJoin(feature: feature, plan)
                for piece in order { join.add(portions[piece][feature]) }
                #expect(join.evidence == whole[feature])
            }
        }
    }

    @Test func `a sum of activations is exact whatever their size and order`() {
        // Sums of these are exact in Double as long as they are few.
        let activations: [Float] = [0x1p39, 3.75, 0x1.fffffep-10, 63.99999, 64, 64.00001, 0x1p-12]
        var (sum, back) = (ActivationSum(), ActivationSum())
        for activation in activations { sum.add(activation) }
        for activation in activations.reversed() { back.add(activation) }
        #expect(sum == back)
        #expect(sum.value == activations.map(Double.init).reduce(0, +))
        let many = (0..<10_000).reduce(into: ActivationSum()) { sum, i in
            sum.add(i % 2 == 0 ? 0x1p39 : 0x1p-12)
        }
        #expect(many.units == 5000 * (Int128(1) << 95 + Int128(1) << 44))
    }

    @Test func `activations that can be no activations leave the sum as it is`() {
        var sum = ActivationSum()
        for activation in [Float.infinity, .nan, ActivationSum.limit, .greatestFiniteMagnitude] {
            sum.add(activation)
        }
        #expect(sum.value == 0)
    }

    @Test func `the sample holds every firing as often as any other`() {
        // 4000 features fire at the same 500 positions, and 32 of them are drawn for each.
        let (features, positions, drawn) = (4000, 500, 32)
        var codes = SparseCodes()
        codes.endRow()
        for _ in 0..<positions {
            for f in 0..<features { codes.append(Int32(f), 1) }
            codes.endRow()
        }
        var collector = EvidenceCollector(features: features, EvidencePlan())
        collector.add([(3, codes)], workers: 2)
        var counts = [Int](repeating: 0, count: positions + 1)
        var neighbours = 0
        for f in 0..<features {
            let sample = collector.sample(of: f)
            #expect(sample.count == drawn)
            let isDrawn = Set(sample.map(\.position))
            #expect(isDrawn.count == drawn)
            for p in isDrawn {
                counts[p] += 1
                if isDrawn.contains(p + 1) { neighbours += 1 }
            }
        }
        #expect(counts[0] == 0)
        // Pearson's statistic of counts with mean e and variance e (1 - p): chi-square with 499 degrees
        // of freedom, so 499 with a standard deviation of 32. Five of them either way.
        let p = Double(drawn) / Double(positions)
        let e = Double(features) * p
        let statistic = counts.dropFirst().reduce(0.0) {
            $0 + (Double($1) - e) * (Double($1) - e) / (e * (1 - p))
        }
        #expect((341.0...657.0).contains(statistic))
        // Two given positions are drawn together with probability 32/500 * 31/499: 7936 neighbours are
        // expected, as a nearly Poisson number with a standard deviation of 89.
        #expect((7491...8381).contains(neighbours))
    }

    @Test func `another seed draws another sample`() {
        var plan = EvidencePlan()
        let first = collect(corpus, plan).sample(of: 1)
        plan.seed = 1
        let second = collect(corpus, plan).sample(of: 1)
        #expect(Set(first).intersection(second).count < 16)
    }

    @Test func `estimated intervals are the true ones give or take one or two`() {
        // 400 features with 1000 different activations each.
        let (features, positions) = (400, 1000)
        var random = TestRandom(state: 8)
        let ranks = (0..<features).map { _ in (1...positions).shuffled(using: &random) }
        var codes = SparseCodes()
        codes.endRow()
        for p in 0..<positions {
            for f in 0..<features { codes.append(Int32(f), Float(ranks[f][p])) }
            codes.endRow()
        }
        var collector = EvidenceCollector(features: features, EvidencePlan())
        collector.add([(0, codes)], workers: 2)
        let tokens = [Int32](repeating: 0, count: positions + 1)
        var (total, off) = (0, 0)
        for f in 0..<features {
            let found = collector.evidence(of: f) { _ in tokens[...] }
            for snippet in found.snippets {
                let rank = ranks[f][snippet.place.position - 1]
                let exact = (rank + 99) / 100
                if rank > positions - 8 {
                    #expect(snippet.interval == exact)
                    continue
                }
                total += 1
                off += abs(snippet.interval - exact)
                #expect(abs(snippet.interval - exact) <= 5)
            }
        }
        // Quantiles of 32 samples are off by less than one interval on average.
        #expect(total > 3000)
        #expect(Double(off) / Double(total) < 1)
    }
}
