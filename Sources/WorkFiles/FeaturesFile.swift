// SPDX-License-Identifier: Apache-2.0
// Reads features-L<l>.h5: where the features of a dictionary fire, and on what text.

import HDF5

/// A piece of text where a feature fires.
public struct FeatureSnippet: Sendable, Equatable {
    /// Display strings.
    public let tokens: [String]
    /// The feature's activation at each token, 0 where it does not fire.
    public let activations: [Float]
    /// How strong its firing is among all of the feature: 10 is the strongest tenth, 1 the weakest.
    public let interval: Int
}

/// What the corpus tells of one feature in numbers.
public struct FeatureSummary: Sendable, Equatable {
    /// At how many positions after position 0 of a sequence it fires.
    public let count: Int
    /// In how many sequences it fires at position 0.
    public let beginnings: Int
    /// Largest and mean activation of the `count` firings; 0 if there are none.
    public let maxActivation: Float
    public let meanActivation: Float
    /// Display strings of the tokens at which it fires most, heaviest first.
    public let topTokens: [String]

    /// These numbers and tokens.
    public init(
        count: Int, beginnings: Int, maxActivation: Float, meanActivation: Float,
        topTokens: [String]
    ) {
        self.count = count
        self.beginnings = beginnings
        self.maxActivation = maxActivation
        self.meanActivation = meanActivation
        self.topTokens = topTokens
    }

    /// One line that says what the feature means, as far as its tokens tell, such as
    /// `" Israel", " Palestinian", " Arafat"`.
    public var description: String {
        if count > 0 { return topTokens.map(Self.quoted).joined(separator: ", ") }
        return beginnings > 0 ? "the first token of a sequence" : "never fires in this corpus"
    }

    /// A token in quotes, so that it can be read in a line: line breaks, tabs and other invisible
    /// characters by their signs, blanks of a token that has nothing else too, long tokens cut.
    private static func quoted(_ token: String) -> String {
        let isBlank = token.allSatisfy { $0 == " " }
        var text = ""
        for scalar in token.unicodeScalars.prefix(longestToken) {
            text.unicodeScalars.append(sign(of: scalar, isBlank: isBlank))
        }
        return "\"\(text)\(token.unicodeScalars.count > longestToken ? "…" : "")\""
    }

    private static let longestToken = 32

    private static func sign(of scalar: Unicode.Scalar, isBlank: Bool) -> Unicode.Scalar {
        switch scalar {
        case "\n": "⏎"
        case "\t": "↹"
        case " ": isBlank ? "␣" : " "
        // The control pictures stand in the order of the control characters.
        case "\0"..."\u{1F}": Unicode.Scalar(0x2400 + scalar.value) ?? "␣"
        case "\u{7F}": "␡"
        default: scalar.properties.isWhitespace || isInvisible(scalar) ? "␣" : scalar
        }
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}

/// An open file of evidence. Single features are read on demand.
public final class FeaturesFile {
    /// Model, dictionary and corpus with their hashes, and every parameter.
    public let provenance: Provenance
    /// The layer whose input the dictionary describes.
    public let layer: Int
    /// Number of features of the dictionary.
    public let features: Int
    /// Number of tokens looked at, position 0 of each sequence left out.
    public let tokens: Int
    private let file: H5File
    private let displayStrings: [Int32: String]
    private let columns: FeatureDatasets

    /// Opens the file.
    public init(_ path: String) throws {
        file = try openWorkFile(path, schema: .features)
        let file = file
        (provenance, layer, features, tokens, displayStrings, columns) = try reading {
            () throws(H5Error) in
            let features: Int = try file.attribute("n_features", of: "dictionary")
            let layer: Int = try file.attribute("layer", of: "dictionary")
            let tokens: Int = try file.attribute("n_tokens", of: "dictionary")
            guard features > 0, (0..<1 << 20).contains(layer), tokens >= 0 else {
                throw file.damaged("dictionary", "its counts are absurd")
            }
            return (
                try Provenance(from: file), layer, features, tokens, try file.readVocabulary(),
                try FeatureDatasets(file, features: features)
            )
        }
    }

    /// The numbers of a feature.
    ///
    /// - Parameter feature: from 0; one that the dictionary does not have is an error.
    public func summary(of feature: Int) throws -> FeatureSummary {
        try reading { () throws(H5Error) in
            let row = try rows(of: feature)
            let counts = try columns.count.read(rows: row, as: Int.self)
            let beginnings = try columns.beginnings.read(rows: row, as: Int.self)
            let largest = try columns.maxActivation.read(rows: row, as: Float.self)
            let mean = try columns.meanActivation.read(rows: row, as: Float.self)
            let ids = try columns.topToken.read(rows: row, as: Int32.self)
            guard counts[0] >= 0, beginnings[0] >= 0, largest[0].isFinite, mean[0].isFinite else {
                throw file.damaged("features", "row \(feature) holds numbers that cannot be")
            }
            return FeatureSummary(
                count: counts[0], beginnings: beginnings[0], maxActivation: largest[0],
                meanActivation: mean[0], topTokens: ids.prefix { $0 >= 0 }.map(display))
        }
    }

    /// The snippets of a feature, highest interval first.
    ///
    /// - Parameter feature: from 0; one that the dictionary does not have is an error.
    public func snippets(of feature: Int) throws -> [FeatureSnippet] {
        try reading { () throws(H5Error) in
            let row = try rows(of: feature)
            let snippets = try range(
                columns.snippetStart.read(rows: row.lowerBound..<row.upperBound + 1),
                within: columns.interval.shape[0], atMost: Self.mostSnippets)
            guard !snippets.isEmpty else { return [] }
            let intervals = try columns.interval.read(rows: snippets, as: UInt8.self)
            let starts = try columns.tokenStart.read(
                rows: snippets.lowerBound..<snippets.upperBound + 1, as: Int64.self)
            guard zip(starts, starts.dropFirst()).allSatisfy({ $0 <= $1 }) else {
                throw file.damaged(
                    "snippets/token_start", "those of feature \(feature) do not ascend")
            }
            // All tokens of a feature lie side by side.
            let all = try range(
                [starts[0], starts[snippets.count]], within: columns.token.shape[0],
                atMost: Self.mostTokens)
            let ids = try columns.token.read(rows: all, as: Int32.self)
            let activations = try columns.activation.read(rows: all, as: Float.self)
            guard activations.allSatisfy(\.isFinite), intervals.allSatisfy({ $0 > 0 }) else {
                throw file.damaged(
                    "snippets", "those of feature \(feature) hold numbers that cannot be")
            }
            return intervals.indices.map { i in
                let own = Int(starts[i]) - all.lowerBound..<Int(starts[i + 1]) - all.lowerBound
                return FeatureSnippet(
                    tokens: ids[own].map(display), activations: Array(activations[own]),
                    interval: Int(intervals[i]))
            }
        }
    }

    /// More than any run writes of one feature; a file that claims more is damaged.
    private static let mostSnippets = 1 << 12
    private static let mostTokens = 1 << 20

    private func display(_ token: Int32) -> String { displayStrings[token] ?? "<id \(token)>" }

    private func rows(of feature: Int) throws(H5Error) -> Range<Int> {
        guard (0..<features).contains(feature) else {
            throw file.damaged(
                "features", "there is no feature \(feature), only 0 to \(features - 1)")
        }
        return feature..<feature + 1
    }

    /// The range between two stored offsets.
    private func range(
        _ offsets: [Int64], within count: Int, atMost limit: Int
    ) throws(H5Error) -> Range<Int> {
        guard offsets.count == 2, 0 <= offsets[0], offsets[0] <= offsets[1],
            offsets[1] <= Int64(count), offsets[1] - offsets[0] <= Int64(limit)
        else { throw file.damaged("snippets", "its offsets point outside the file") }
        return Int(offsets[0])..<Int(offsets[1])
    }
}

/// The open datasets: opening one takes longer than reading a feature from it.
private struct FeatureDatasets {
    let count: H5Dataset
    let beginnings: H5Dataset
    let maxActivation: H5Dataset
    let meanActivation: H5Dataset
    let topToken: H5Dataset
    let snippetStart: H5Dataset
    let interval: H5Dataset
    let tokenStart: H5Dataset
    let token: H5Dataset
    let activation: H5Dataset

    init(_ file: H5File, features: Int) throws(H5Error) {
        count = try file.dataset("features/count", shape: [features])
        beginnings = try file.dataset("features/beginnings", shape: [features])
        maxActivation = try file.dataset("features/max_activation", shape: [features])
        meanActivation = try file.dataset("features/mean_activation", shape: [features])
        topToken = try file.dataset("features/top_token", shape: [features, -1])
        guard topToken.rowSize <= 1000 else {
            throw file.damaged(topToken.object, "its extents are absurd")
        }
        // `features` has been seen to be the extent of a dataset, so that one more cannot overflow.
        snippetStart = try file.dataset("features/snippet_start", shape: [features + 1])
        interval = try file.dataset("snippets/interval", shape: [-1])
        tokenStart = try file.dataset("snippets/token_start", shape: [interval.shape[0] + 1])
        token = try file.dataset("snippets/token", shape: [-1])
        activation = try file.dataset("snippets/activation", shape: [token.shape[0]])
    }
}
