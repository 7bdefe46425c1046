// SPDX-License-Identifier: Apache-2.0
// features-L<l>.h5: what is written is read, and what is broken is refused.

import Foundation
import HDF5
import TestSupport
import Testing
import UserErrors
import WorkFiles

@Suite struct FeaturesFileTests {
    /// Three features: an ordinary one, one that never fires, one of beginnings only.
    private let records = [
        FeatureRecord(
            count: 7, beginnings: 1, maxActivation: 4, meanActivation: 2.5, topTokens: [11, 10],
            snippets: [
                FeatureRecord.Snippet(
                    sequence: 3, position: 2, interval: 10, start: 1, tokens: [10, 11, 12],
                    activations: [0, 4, 0.5]),
                FeatureRecord.Snippet(
                    sequence: 0, position: 9, interval: 2, start: 9, tokens: [10],
                    activations: [0.25]),
            ]),
        FeatureRecord(
            count: 0, beginnings: 0, maxActivation: 0, meanActivation: 0, topTokens: [],
            snippets: []),
        FeatureRecord(
            count: 0, beginnings: 5, maxActivation: 0, meanActivation: 0, topTokens: [1],
            snippets: [
                FeatureRecord.Snippet(
                    sequence: 0, position: 0, interval: 10, start: 0, tokens: [1, 11],
                    activations: [90, 0])
            ]),
    ]

    private func withFile<Result>(_ body: (String) throws -> Result) throws -> Result {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "features-L4.h5").path
            var writer = FeaturesWriter()
            for record in records { writer.append(record) }
            var provenance = Provenance()
            provenance["dictionary"] = .text("L4")
            try writer.write(
                to: path, provenance: provenance, layer: 4, tokens: 100,
                display: { [1: "<s>", 10: " cat", 11: "\n\n", 12: "é"][$0] ?? "?" })
            return try body(path)
        }
    }

    @Test func `what is written is read`() throws {
        try withFile { path in
            let file = try FeaturesFile(path)
            #expect((file.layer, file.features, file.tokens) == (4, 3, 100))
            #expect(file.provenance.text("dictionary") == "L4")
            let first = try file.summary(of: 0)
            #expect((first.count, first.beginnings) == (7, 1))
            #expect((first.maxActivation, first.meanActivation) == (4, 2.5))
            #expect(first.topTokens == ["\n\n", " cat"])
            let snippets = try file.snippets(of: 0)
            #expect(snippets.map(\.tokens) == [[" cat", "\n\n", "é"], [" cat"]])
            #expect(snippets.map(\.activations) == [[0, 4, 0.5], [0.25]])
            #expect(snippets.map(\.interval) == [10, 2])
            #expect(try file.snippets(of: 1).isEmpty)
            #expect(try file.snippets(of: 2).map(\.activations) == [[90, 0]])
        }
    }

    @Test func `a feature is described by its tokens`() throws {
        try withFile { path in
            let file = try FeaturesFile(path)
            #expect(try file.summary(of: 0).description == "\"⏎⏎\", \" cat\"")
            #expect(try file.summary(of: 1).description == "never fires in this corpus")
            #expect(try file.summary(of: 2).description == "the first token of a sequence")
        }
    }

    @Test(arguments: [
        ("  ", "␣␣"), (" a b", " a b"), ("\t", "↹"), ("\r\n", "␍⏎"), ("\u{0}\u{7F}", "␀␡"),
        ("\u{200B}\u{2028}\u{A0}\u{AD}", "␣␣␣␣"), ("日本", "日本"), ("🙂", "🙂"),
        (String(repeating: "=", count: 40), String(repeating: "=", count: 32) + "…"),
    ])
    func `what cannot be seen of a token has a sign`(token: String, shown: String) {
        let summary = FeatureSummary(
            count: 1, beginnings: 0, maxActivation: 1, meanActivation: 1, topTokens: [token])
        #expect(summary.description == "\"\(shown)\"")
    }

    @Test func `equal evidence gives equal bytes`() throws {
        let first = try withFile { try Data(contentsOf: URL(filePath: $0)) }
        let second = try withFile { try Data(contentsOf: URL(filePath: $0)) }
        #expect(first == second)
    }

    @Test(arguments: [-1, 3, Int.max, Int.min])
    func `a feature that does not exist is refused`(feature: Int) throws {
        try withFile { path in
            let file = try FeaturesFile(path)
            #expect(throws: UserError.self) { try file.summary(of: feature) }
            #expect(throws: UserError.self) { try file.snippets(of: feature) }
        }
    }

    @Test func `a missing file and one of another kind are refused with what to run`() throws {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "features-L0.h5").path
            #expect(
                throws: UserError(
                    "\(path): is missing; run stage-dictionary evidence, or make, to write it.")
            ) {
                try FeaturesFile(path)
            }
            let other = try H5File.create(path, userBlock: ContentDigest.blockSize)
            try other.setAttribute("schema", of: "", to: "headvis-scan")
            try other.setAttribute("schema_version", of: "", to: 1)
            try other.close()
            try ContentDigest.seal(path)
            #expect(throws: UserError.self) { try FeaturesFile(path) }
        }
    }

    // MARK: Broken files

    /// A file written by hand, one part of which can be replaced.
    struct HandMade: Sendable {
        var features = 2
        var layer = 0
        var count: [Int64] = [1, 1]
        var largest: [Float] = [1, 1]
        var topToken: [Int32] = [7, -1, 8, 7]
        var snippetStart: [Int64] = [0, 1, 3]
        var interval: [UInt8] = [10, 10, 1]
        var tokenStart: [Int64] = [0, 1, 2, 4]
        var token: [Int32] = [7, 8, 7, 7]
        var activation: [Float] = [1, 2, 0, 1]
        var ids: [Int32] = [7, 8]
        var names = ["a", "b"]

        func write(to path: String) throws {
            let file = try H5File.create(path, userBlock: ContentDigest.blockSize)
            try file.setAttribute("schema", of: "", to: "headvis-features")
            try file.setAttribute("schema_version", of: "", to: 1)
            try file.createGroup("provenance")
            try file.createGroup("dictionary")
            try file.setAttribute("layer", of: "dictionary", to: layer)
            try file.setAttribute("n_features", of: "dictionary", to: features)
            try file.setAttribute("n_tokens", of: "dictionary", to: 9)
            func column<T: H5Scalar>(_ values: [T], _ name: String) throws {
                try file.write(values, shape: [values.count], to: name, axes: ["x"], about: "")
            }
            try column(count, "features/count")
            try column(count, "features/beginnings")
            try column(largest, "features/max_activation")
            try column(largest, "features/mean_activation")
            try file.write(
                topToken, shape: [topToken.count / 2, 2], to: "features/top_token",
                axes: ["x", "y"], about: "")
            try column(snippetStart, "features/snippet_start")
            try column(interval, "snippets/interval")
            try column(tokenStart, "snippets/token_start")
            try column(token, "snippets/token")
            try column(activation, "snippets/activation")
            try column(ids, "vocabulary/id")
            try file.write(names, to: "vocabulary/display", axes: ["x"], about: "")
            try file.close()
            try ContentDigest.seal(path)
        }
    }

    private func readAll(_ handMade: HandMade) throws -> [[FeatureSnippet]] {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "features-L0.h5").path
            try handMade.write(to: path)
            let file = try FeaturesFile(path)
            return try (0..<file.features).map {
                _ = try file.summary(of: $0)
                return try file.snippets(of: $0)
            }
        }
    }

    @Test func `a file written by hand is read`() throws {
        let found = try readAll(HandMade())
        #expect(found.map { $0.map(\.tokens) } == [[["a"]], [["b"], ["a", "a"]]])
        #expect(found[1].map(\.interval) == [10, 1])
    }

    @Test func `a token that is not in the vocabulary is shown by its id`() throws {
        var file = HandMade()
        file.token[1] = -5
        #expect(try readAll(file)[1][0].tokens == ["<id -5>"])
    }

    /// Ways to break a file.
    static let faults: [@Sendable (inout HandMade) -> Void] = [
        { $0.features = 3 }, { $0.features = 0 }, { $0.features = .max }, { $0.features = -1 },
        { $0.layer = -1 }, { $0.layer = .max },
        { $0.count[1] = -1 }, { $0.count = [1] },
        { $0.largest[0] = .nan }, { $0.largest[1] = .infinity },
        { $0.topToken = [7, 8] },
        { $0.snippetStart[1] = -1 }, { $0.snippetStart[1] = 4 }, { $0.snippetStart[2] = .max },
        { $0.snippetStart[0] = .min }, { $0.snippetStart[0] = 2 }, { $0.snippetStart = [0, 1] },
        { $0.interval[2] = 0 }, { $0.interval = [10] },
        { $0.tokenStart[1] = -1 }, { $0.tokenStart[2] = .min }, { $0.tokenStart[3] = .max },
        { $0.tokenStart[2] = 5 }, { $0.tokenStart[2] = 0 }, { $0.tokenStart = [0, 1] },
        { $0.token = [7] }, { $0.activation = [1] },
        { $0.activation[3] = .nan }, { $0.activation[0] = -.infinity },
        { $0.ids = [7] }, { $0.names = [] },
    ]

    @Test(arguments: faults.indices)
    func `a broken file is refused in a sentence`(fault: Int) throws {
        var file = HandMade()
        Self.faults[fault](&file)
        let error = #expect(throws: UserError.self) { try readAll(file) }
        #expect(error?.description.contains("features-L0.h5: ") == true)
    }
}
