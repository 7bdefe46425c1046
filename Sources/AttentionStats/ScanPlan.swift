// SPDX-License-Identifier: Apache-2.0
// What a scan keeps of each head and sequence besides the sums.

/// What to keep. Which sequences it is kept for depends on their number in the corpus only, never on
/// the order in which they are run.
public struct ScanPlan: Sendable {
    /// How stored attention is thinned out.
    public var sparsification = Sparsification.standard
    /// Pairs of at least this attention, outside row 0 and column 0, are all kept.
    public var highAttention: Float = 0.1
    /// Width of the vectors of edges, for a model whose heads differ in width; nil: as wide as the head.
    public var vectorWidth: Int?
    /// For each studied head, which group it is of: heads of a group share keys and values. Empty: each is its own.
    public var keyGroups: [Int] = []
    /// How many of a sequence's strongest edges are kept for the clouds.
    public var edgesPerSequence: Int
    /// What makes an edge strong.
    public var edgeRanking: EdgeRanking
    /// Each studied head's Gram matrix, for the norms of what it writes; empty: they are not taken.
    public var outputGrams: [OutputGram] = []

    /// What `DirectLogits` needs of the model besides its heads.
    public var dModel = 0
    public var residualScale: Float = 1

    /// A plan for this many edges of each sequence in the pool.
    public init(edgesPerSequence: Int, edgeRanking: EdgeRanking) {
        self.edgesPerSequence = edgesPerSequence
        self.edgeRanking = edgeRanking
    }
}

/// A sequence on its way through a scan.
public struct ScanSequence: Sendable {
    /// Its number in the corpus.
    public var id: Int
    /// Its token ids.
    public var tokens: ArraySlice<Int32>
    /// Whether its strong edges go into the clouds.
    public var isInPool: Bool
    /// The queries by which the patterns of heads are compared; empty for most sequences of a large corpus.
    public var watchedQueries: [Int]
    /// The logits to attribute; nil for most sequences of a large corpus.
    public var logits: LogitTargets?
    /// Where its tokens stood before.
    let repeats: TokenRepeats

    /// A sequence of the corpus.
    public init(
        id: Int, tokens: ArraySlice<Int32>, isInPool: Bool, watchedQueries: [Int] = [],
        logits: LogitTargets? = nil
    ) {
        self.logits = logits
        self.watchedQueries = watchedQueries
        self.id = id
        self.tokens = tokens
        self.isInPool = isInPool
        repeats = TokenRepeats(tokens)
    }

    /// How many queries have an earlier occurrence of their token.
    public var repeatedQueries: Int { repeats.repeatedQueries }
}
