// SPDX-License-Identifier: Apache-2.0
// Marks, slots and templates: what they find, and what is said when they do not.

import Foundation
import Lab
import TestSupport
import Testing
import UserErrors

@Suite struct MarkTests {
    /// The tokens that a sweep's marks meant, by value.
    private func sweep(_ prompt: String, query: String, key: String = "0", values: [String]? = nil)
        throws -> SweepQuestion.Answer
    {
        let list = try values.map {
            #", "values": \#(String(decoding: try JSONEncoder().encode($0), as: UTF8.self))"#
        }
        return try ask(
            SweepQuestion.self,
            """
            {"question": "sweep", "layer": 1, "head": 0, "prompt": "\(prompt)", "query": \(query), "key": \(key)\(list ?? "")}
            """, in: laboratory("llama"))
    }

    private func error(_ prompt: String, query: String, values: [String]? = nil) -> String {
        do {
            _ = try sweep(prompt, query: query, values: values)
            return ""
        } catch { return "\(error)" }
    }

    @Test func `a slot's values come out of ranges, lists and the question`() throws {
        #expect(
            try SlotText("in {1000..1100:20}, and").values == [
                "1000", "1020", "1040", "1060", "1080", "1100",
            ])
        #expect(try SlotText("{-1..1}").values == ["-1", "0", "1"])
        #expect(try SlotText("a {b|c d|} e").values == ["b", "c d", ""])
        #expect(try SlotText("{}").values.isEmpty)
        let text = try SlotText("{name: no slot} {x|y}!")
        #expect(text.before == "{name: no slot} " && text.after == "!")
        for wrong in ["no slot", "{a|b} {c|d}", "{3..1}", "{0..999999999}"] {
            #expect(throws: UserError.self) { try SlotText(wrong) }
        }
    }

    @Test func `a mark is found by text, occurrence, position and slot`() throws {
        let prompt = "the men said that the {men|no} said no"
        let rows = try sweep(prompt, query: #""{}""#).rows
        for (row, value) in zip(rows, ["men", "no"]) {
            #expect(row.tokens.joined().trimmingCharacters(in: .whitespaces) == value)
            #expect(value.hasSuffix(row.query.text.trimmingCharacters(in: .whitespaces)))
        }
        let second = try sweep(prompt, query: #""the#2""#).rows[0].query
        let first = try sweep(prompt, query: #"{"text": "the", "occurrence": 1}"#).rows[0].query
        #expect(second.position > first.position)
        let after = try sweep(prompt, query: #"{"text": "that", "offset": 1}"#).rows[0].query
        #expect(after == second)
        let last = try sweep(prompt, query: "-1").rows[0].query
        let slot = try sweep(prompt, query: #"{"slot": true, "offset": 1}"#).rows[1]
        #expect(slot.query.position == rows[1].query.position + 1)
        #expect(last.position > slot.query.position)
    }

    @Test func `values of several tokens are said to be`() throws {
        let answer = try sweep("the {men|xqzv|no} said", query: #""{}""#)
        #expect(answer.severalTokens >= 1)
        #expect(answer.rows[1].tokens.count > 1)
        #expect(answer.rows[1].tokens.joined().trimmingCharacters(in: .whitespaces) == "xqzv")
        #expect(answer.rows[1].query.text == answer.rows[1].tokens.last)
    }

    @Test func `what cannot be found is told with the prompt's tokens`() {
        let missing = error("the {men|no} said", query: #""Paris""#)
        #expect(missing.contains("'Paris' is not in this prompt; its tokens are '"))
        #expect(missing.contains("with 'men' in the slot"))
        #expect(error("the the {a|b}", query: #""the""#).contains("2 times"))
        #expect(error("the {a|b}", query: #""the#3""#).contains("not 3"))
        #expect(error("the {a|b}", query: "99").contains("position 99"))
        #expect(error("the {}", query: "0").contains("0 values"))
        #expect(error("the {a|b}", query: "true").contains("query"))
    }

    @Test func `a question that is none is told where`() {
        for (json, expected) in [
            ("[", "not JSON"), ("{}", "\"question\""),
            (#"{"question": "why"}"#, "must be one of sources"),
            (#"{"question": "sweep", "layer": 1}"#, "\"head\""),
            (#"{"question": "rank", "prompt": 3, "queries": [], "keys": []}"#, "prompt"),
            (#"{"question": "sweep", "layer": "x"}"#, "layer must be a whole number"),
        ] {
            let error = #expect(throws: UserError.self) { try Question(json: Array(json.utf8)) }
            #expect(
                error?.description.contains(expected) == true,
                "\(json): \(error?.description ?? "")")
        }
    }

    @Test func `a question's JSON is the same after reading`() throws {
        let json =
            #"{"head":5,"key":"{}","layer":17,"prompt":"a {b|c} d","query":{"offset":-1,"text":"d#2"},"question":"sweep"}"#
        let once = try Question(json: Array(json.utf8)).json()
        #expect(try Question(json: once).json() == once)
    }
}
