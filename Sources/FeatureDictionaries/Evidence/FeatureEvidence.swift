// SPDX-License-Identifier: Apache-2.0
// What is shown of a feature: its counts, snippets of every interval of activation, its tokens.

/// A place where a feature fires, with the text around it.
public struct EvidenceSnippet: Sendable, Equatable {
    /// Where the feature fires.
    public let place: TokenPlace
    /// How strong this firing is among all of the feature: 10 (of 10) is the strongest tenth.
    public let interval: Int
    /// The position of the first token shown.
    public let start: Int
    /// The ids of the tokens shown.
    public let tokens: [Int32]
    /// The feature's activation at each of them, 0 where it does not fire.
    public let activations: [Float]

    /// The positions shown.
    public var positions: Range<Int> { start..<start + activations.count }
    /// The activation at `place`.
    public var activation: Float { activations[place.position - start] }

    func shows(_ other: TokenPlace) -> Bool {
        other.sequence == place.sequence && positions.contains(other.position)
    }
}

/// What a corpus tells of one feature.
public struct FeatureEvidence: Sendable, Equatable {
    /// At how many positions after 0 it fires.
    public let count: Int
    /// In how many sequences it fires at position 0.
    public let beginnings: Int
    /// The largest activation of the `count` firings; 0 if there are none.
    public let maxActivation: Float
    /// Their mean activation; 0 if there are none.
    public let meanActivation: Double
    /// Highest interval first; within an interval by descending activation.
    public let snippets: [EvidenceSnippet]
    /// The tokens at which it fires, by the sum of its activations over the kept firings, heaviest
    /// first; those with less than a tenth of the heaviest are left out.
    public let topTokens: [Int32]

    /// - Parameter text: what may be shown of a kept firing.
    init(_ firings: FeatureFirings, _ plan: EvidencePlan, text: (TokenPlace) -> EvidenceText) {
        count = firings.count
        beginnings = firings.beginnings
        meanActivation = count == 0 ? 0 : firings.sum.value / Double(count)
        let top = firings.top.bestFirst
        let sample = firings.sample.bestFirst
        maxActivation = top.first?.activation ?? 0
        // Position 0 is shown only of features that fire nowhere else.
        let beginning = count == 0 ? firings.beginning.bestFirst : []
        let places = Set(top.map(\.place))
        topTokens = Self.topTokens(
            beginning + top + sample.filter { !places.contains($0.place) }, plan, text)
        var choice = SnippetChoice(plan: plan)
        for firing in beginning {
            choice.show(firing, of: firings.beginning, interval: plan.nIntervals, from: 0, text)
        }
        for (i, firing) in top.enumerated() where choice.shown.count < plan.shownTop {
            choice.show(
                firing, of: firings.top,
                interval: activationInterval(rank: count - i, of: count, plan.nIntervals), text)
        }
        let intervals = Self.intervals(of: sample, plan.nIntervals)
        for interval in (1..<plan.nIntervals).reversed() {
            // Lowest priority first: a uniform choice among those of the interval.
            for (firing, own) in zip(sample, intervals) where own == interval {
                if choice.show(firing, of: firings.sample, interval: interval, text) { break }
            }
        }
        snippets = choice.shown.sorted {
            ($0.interval, $0.activation, $1.place) > ($1.interval, $1.activation, $0.place)
        }
    }

    /// The interval of each firing of a uniform sample by its rank in the sample.
    ///
    /// This estimates the interval among all firings, exactly if the sample holds them all. The share
    /// of all firings that are below the r-th of n samples has a standard deviation of at most
    /// 0.5 / sqrt(n + 2), which is 0.09 for 32 samples: one interval more or less.
    private static func intervals(of sample: [KeptFiring], _ nIntervals: Int) -> [Int] {
        let ascending = sample.indices.sorted {
            (sample[$0].activation, sample[$1].place) < (sample[$1].activation, sample[$0].place)
        }
        var intervals = [Int](repeating: 0, count: sample.count)
        for (rank, i) in ascending.enumerated() {
            intervals[i] = activationInterval(rank: rank + 1, of: sample.count, nIntervals)
        }
        return intervals
    }

    private static func topTokens(
        _ firings: [KeptFiring], _ plan: EvidencePlan, _ text: (TokenPlace) -> EvidenceText
    ) -> [Int32] {
        var weights: [Int32: Double] = [:]
        for firing in firings {
            let token = text(firing.place)[firing.place.position]
            weights[token, default: 0] += Double(firing.activation)
        }
        let heaviest = weights.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
        let least = (heaviest.first?.value ?? 0) / 10
        return heaviest.prefix(plan.topTokens).filter { $0.value >= least }.map(\.key)
    }
}

/// The interval of the rank-th of `count` activations in ascending order, from 1: equal buckets, as
/// for the sequences of a head.
func activationInterval(rank: Int, of count: Int, _ nIntervals: Int) -> Int {
    (rank * nIntervals + count - 1) / count
}

/// The snippets chosen for a feature so far.
private struct SnippetChoice {
    let plan: EvidencePlan
    var shown: [EvidenceSnippet] = []

    /// Adds a snippet, unless one that is there shows its firing already.
    ///
    /// - Parameter first: the first position that may be shown: the activation at position 0 would
    ///   outshine all others.
    @discardableResult
    mutating func show(
        _ firing: KeptFiring, of kept: KeptFirings, interval: Int, from first: Int = 1,
        _ text: (TokenPlace) -> EvidenceText
    ) -> Bool {
        guard !shown.contains(where: { $0.shows(firing.place) }) else { return false }
        let position = firing.place.position
        let text = text(firing.place)
        let positions = max(first, text.start)..<text.end
        let window = kept.window(of: firing, plan)
        let offset = window.startIndex + plan.before - position
        shown.append(
            EvidenceSnippet(
                place: firing.place, interval: interval, start: positions.lowerBound,
                tokens: Array(text[positions]),
                activations: Array(
                    window[positions.lowerBound + offset..<positions.upperBound + offset])))
        return true
    }
}
