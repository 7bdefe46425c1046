// SPDX-License-Identifier: Apache-2.0
// Ground truth: a model whose induction heads and previous-token head are known (Tests/Fixtures/models/induction-gpt2).

import Attribution
import Foundation
import Lab
import TestSupport
import Testing
import Transformer

@Suite struct InductionTests {
    /// A sequence that repeats itself, up to where token 50 comes a second time: the induction heads of layer 1 look
    /// from there to what came after it the first time.
    private static let ids: [Int32] = {
        let half: [Int32] = [75, 34, 2, 111, 67, 71, 35, 54, 121, 104, 16, 16, 50, 66, 79, 20]
        return half + half.prefix(13)
    }()
    private static let (query, key) = (28, 13)

    private func lab() throws -> Laboratory {
        try laboratory("induction-gpt2", sequences: ["0": Self.ids])
    }

    @Test
    func `sources of an induction edge name the previous-token head, and its key the token before`()
        throws
    {
        let answer = try ask(
            SourcesQuestion.self,
            """
            {"question": "sources", "layer": 1, "head": 3, "prompt": {"sequence": 0}, "query": 28, "key": 13}
            """, in: lab())
        #expect(answer.attention > 0.5)
        let strongest = try #require(
            answer.keySide.parts.max { abs($0.value) < abs($1.value) })
        // L0H1 is the fixture's previous-token head (expected.json).
        #expect(strongest.kind == "head" && strongest.layer == 0 && strongest.head == 1)
        #expect(strongest.keys?.first?.position == Self.key - 1)
        for side in [answer.querySide, answer.keySide] {
            #expect(abs(side.total - answer.score) < 1e-3)
        }
    }

    @Test func `rank puts the induction heads first on their edge`() throws {
        let answer = try ask(
            RankQuestion.self,
            #"{"question": "rank", "prompt": {"sequence": "0"}, "queries": [28], "keys": [13]}"#,
            in: lab())
        #expect(answer.heads.count == 8)
        #expect(answer.heads.prefix(4).allSatisfy { $0.layer == 1 && $0.attention > 0.5 })
        // The same numbers as the recorder has.
        let model = try Model(opening: Fixtures.url("models/induction-gpt2"))
        let recorder = Recorder(
            model.description, selection: HeadSelection(allOf: model.description))
        try ForwardPass(
            model, selection: HeadSelection(allOf: model.description), maxLength: Self.ids.count,
            workers: 1
        ).run([Self.ids[...]], visitors: [recorder])
        let n = Self.ids.count
        for head in answer.heads {
            let expected = try #require(recorder.layers[head.layer]).attention[
                (head.head * n + Self.query) * n + Self.key]
            #expect(abs(head.attention - Double(expected)) < 1e-6)
        }
    }

    @Test func `replacing the token that repeats takes the attention away`() throws {
        let lab = try lab()
        let text = lab.loaded.tokenizer.display(5)
        let answer = try ask(
            SwapQuestion.self,
            """
            {"question": "swap", "layer": 1, "head": 3, "prompt": {"sequence": 0}, "query": -1, "key": 13,
             "replace": {"token": 28, "with": "\(text)"}}
            """, in: lab)
        let place = try #require(answer.row.first { $0.offset == 15 })
        #expect(try #require(place.before).attention > 0.5)
        #expect(try #require(place.after).attention < 0.1)
        #expect(try #require(place.after).score < (try #require(place.before)).score - 1)
        for row in [answer.row.compactMap(\.before), answer.row.compactMap(\.after)] {
            #expect(row.count == Self.ids.count)
            #expect(abs(row.reduce(0) { $0 + $1.attention } - 1) < 1e-5)
        }
    }

    @Test func `a sweep over the token moves attention to where it repeats`() throws {
        let lab = try lab()
        let words = [75, 50, 34, 111, 5].map { lab.loaded.tokenizer.display(Int32($0)) }
        let prompt =
            Self.ids.dropLast().map { lab.loaded.tokenizer.display($0) }.joined(separator: " ")
            + " {\(words.joined(separator: "|"))}"
        let answer = try ask(
            SweepQuestion.self,
            """
            {"question": "sweep", "layer": 1, "head": 3, "prompt": "\(prompt)", "query": "{}", "key": 13}
            """, in: lab)
        #expect(answer.severalTokens == 0)
        #expect(answer.rows.map(\.value) == words)
        #expect(answer.rows[1].attention > 0.5)
        for i in [0, 2, 3, 4] {
            #expect(answer.rows[i].attention < answer.rows[1].attention / 3)
        }
    }
}
