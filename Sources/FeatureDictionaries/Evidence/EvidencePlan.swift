// SPDX-License-Identifier: Apache-2.0
// What is kept of the places where a feature fires.

/// How much evidence is kept of each feature, and how much of it is shown.
public struct EvidencePlan: Sendable, Equatable {
    /// How many of the strongest firings are kept, exactly.
    public var top = 8
    /// How many firings are kept as a uniform sample of all.
    public var samples = 32
    /// How many of the strongest are shown, at most.
    public var shownTop = 3
    /// Tokens of a snippet before and after the one where the feature fires: enough to see a clause,
    /// and more on the left, since what comes later cannot have made a causal model fire.
    public var before = 12
    public var after = 5
    /// Intervals of activation; the highest is that of the strongest firings.
    public var nIntervals = 10
    /// Tokens that a description is made of, at most.
    public var topTokens = 5
    /// Of the sample's priorities.
    public var seed: UInt64 = 0

    /// The evidence that a page shows well.
    public init() {}

    /// Tokens of a snippet.
    public var window: Int { before + 1 + after }
}

/// Where a token stands in a corpus. Places are in the order of the corpus.
public struct TokenPlace: Hashable, Comparable, Sendable {
    /// Sequence and position in one number, so that places of one sequence are as far apart as their
    /// numbers, and those of two sequences farther than any window reaches.
    let number: Int

    /// A position of a sequence, both from 0 and below 2^31.
    public init(sequence: Int, position: Int) { number = sequence << 32 | position }

    /// The sequence, from 0.
    public var sequence: Int { number >> 32 }
    /// The position in it, from 0.
    public var position: Int { number & 0xFFFF_FFFF }

    public static func < (a: TokenPlace, b: TokenPlace) -> Bool { a.number < b.number }
}
