// SPDX-License-Identifier: Apache-2.0
// Writes features-L<l>.h5, feature by feature.

import HDF5

/// What the file holds of one feature.
public struct FeatureRecord: Sendable, Equatable {
    /// A snippet: a piece of a sequence of the corpus.
    public struct Snippet: Sendable, Equatable {
        public var sequence: Int
        /// Where the feature fires.
        public var position: Int
        public var interval: Int
        /// The first position shown.
        public var start: Int
        /// The ids shown.
        public var tokens: [Int32]
        /// Parallel to `tokens`.
        public var activations: [Float]

        /// A piece of a sequence.
        public init(
            sequence: Int, position: Int, interval: Int, start: Int, tokens: [Int32],
            activations: [Float]
        ) {
            self.sequence = sequence
            self.position = position
            self.interval = interval
            self.start = start
            self.tokens = tokens
            self.activations = activations
        }
    }

    /// Firings after position 0, and sequences that it fires at position 0 of.
    public var count: Int
    public var beginnings: Int
    public var maxActivation: Float
    public var meanActivation: Float
    /// Heaviest first, at most `FeaturesWriter.topTokens`.
    public var topTokens: [Int32]
    /// Highest interval first.
    public var snippets: [Snippet]

    /// What the file holds of one feature.
    public init(
        count: Int, beginnings: Int, maxActivation: Float, meanActivation: Float,
        topTokens: [Int32], snippets: [Snippet]
    ) {
        self.count = count
        self.beginnings = beginnings
        self.maxActivation = maxActivation
        self.meanActivation = meanActivation
        self.topTokens = topTokens
        self.snippets = snippets
    }
}

/// Gathers the evidence of all features and writes it; plain contiguous datasets, as chunks would
/// make a reader of one feature read those of a thousand.
public struct FeaturesWriter {
    /// Top tokens of a feature, at most.
    public static let topTokens = 5

    private var count: [Int64] = []
    private var beginnings: [Int64] = []
    private var maxActivation: [Float] = []
    private var meanActivation: [Float] = []
    private var topToken: [Int32] = []
    private var snippetStart: [Int64] = [0]
    private var sequence: [Int32] = []
    private var position: [Int32] = []
    private var interval: [UInt8] = []
    private var windowStart: [Int32] = []
    private var tokenStart: [Int64] = [0]
    private var token: [Int32] = []
    private var activation: [Float] = []

    /// No features yet.
    public init() {}

    /// Adds the next feature.
    public mutating func append(_ feature: FeatureRecord) {
        precondition(feature.topTokens.count <= Self.topTokens)
        count.append(Int64(feature.count))
        beginnings.append(Int64(feature.beginnings))
        maxActivation.append(feature.maxActivation)
        meanActivation.append(feature.meanActivation)
        topToken += feature.topTokens
        topToken += repeatElement(-1, count: Self.topTokens - feature.topTokens.count)
        for snippet in feature.snippets {
            precondition(snippet.tokens.count == snippet.activations.count)
            sequence.append(Int32(snippet.sequence))
            position.append(Int32(snippet.position))
            interval.append(UInt8(snippet.interval))
            windowStart.append(Int32(snippet.start))
            token += snippet.tokens
            activation += snippet.activations
            tokenStart.append(Int64(token.count))
        }
        snippetStart.append(Int64(sequence.count))
    }

    /// Writes the file but for its name, which `finish` of what is given gives it.
    ///
    /// - Parameters:
    ///   - layer: whose input the dictionary describes.
    ///   - tokens: number of tokens looked at, position 0 of each sequence left out.
    ///   - display: the display string of a token id.
    public func begin(
        _ path: String, provenance: Provenance, layer: Int, tokens: Int,
        display: (Int32) -> String
    ) throws -> WorkFileWriter {
        let output = try WorkFileWriter(path, schema: .features, provenance: provenance)
        try reading { () throws(H5Error) in
            let file = output.file
            try file.createGroup("dictionary")
            try file.setAttribute("layer", of: "dictionary", to: layer)
            try file.setAttribute("n_features", of: "dictionary", to: count.count)
            try file.setAttribute("n_tokens", of: "dictionary", to: tokens)
            try writeFeatures(to: file)
            try writeSnippets(to: file)
            try file.writeVocabulary(
                Set(token).union(topToken).subtracting([-1]), display)
        }
        return output
    }

    /// Writes the file.
    public func write(
        to path: String, provenance: Provenance, layer: Int, tokens: Int,
        display: (Int32) -> String
    ) throws {
        try begin(
            path, provenance: provenance, layer: layer, tokens: tokens, display: display
        ).finish()
    }

    private func writeFeatures(to file: H5File) throws(H5Error) {
        func column<T: H5Scalar>(_ values: [T], _ name: String, _ about: String) throws(H5Error) {
            try file.write(
                values, shape: [values.count], to: "features/\(name)", axes: ["feature"],
                about: about)
        }
        try column(count, "count", "Positions where the feature fires, position 0 left out.")
        try column(beginnings, "beginnings", "Sequences at whose position 0 the feature fires.")
        try column(maxActivation, "max_activation", "Largest activation, position 0 left out.")
        try column(
            meanActivation, "mean_activation",
            "Mean activation where the feature fires, position 0 left out.")
        try file.write(
            topToken, shape: [count.count, Self.topTokens], to: "features/top_token",
            axes: ["feature", "rank"],
            about:
                "Ids of the tokens where the feature fires, by summed activation over the kept firings; -1 where there are no more."
        )
        try column(
            snippetStart, "snippet_start", "First snippet of each feature in snippets, and the end."
        )
    }

    private func writeSnippets(to file: H5File) throws(H5Error) {
        func column<T: H5Scalar>(
            _ values: [T], _ name: String, _ about: String, axis: String = "snippet"
        ) throws(H5Error) {
            try file.write(
                values, shape: [values.count], to: "snippets/\(name)", axes: [axis], about: about)
        }
        try column(sequence, "sequence", "Sequence of the corpus, from 0.")
        try column(position, "position", "Position where the feature fires, from 0.")
        try column(
            interval, "interval",
            "Interval of activation, 10 for the strongest tenth of the feature's firings.")
        try column(windowStart, "window_start", "Position of the first token of the snippet.")
        try column(
            tokenStart, "token_start",
            "First entry of each snippet in token and activation, and the end.")
        try column(token, "token", "Token ids of the snippets.", axis: "entry")
        try column(
            activation, "activation", "The feature's activation at each token.", axis: "entry")
    }
}
