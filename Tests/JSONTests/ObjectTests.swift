// SPDX-License-Identifier: Apache-2.0
// Typed access to objects, and sentences that say where in which file a value is wrong.

import Foundation
import JSON
import Testing
import UserErrors

@Suite struct ObjectTests {
    private func object(_ text: String) throws -> JSONObject {
        try JSONObject(parsing: text.utf8, file: "a.json", allowsNonFinite: true)
    }

    /// Found by fuzzing: Foundation's scanner traps on 513 brackets that end the text.
    @Test(arguments: [511, 512, 513, 514, 600], [true, false])
    func `a shape is decoded from what is JSON only`(depth: Int, isClosed: Bool) {
        struct Shape: Decodable { let a: Int? }
        let text =
            String(repeating: "[", count: depth)
            + (isClosed ? String(repeating: "]", count: depth) : "")
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode(Shape.self, checking: Array(text.utf8))
        }
    }

    @Test func `what is there is given, and nil for what is missing or null`() throws {
        let object = try object(
            """
            {"s": "x", "b": true, "n": 1.5, "i": [1, 2.0], "d": [1, 0.5], "t": ["p", "q"],
             "o": {"k": {"m": 3}}, "l": [{"v": 1}, {"v": 2}], "none": null}
            """)
        #expect(try object.string("s") == "x")
        #expect(try object.bool("b") == true)
        #expect(try object.number("n") == 1.5)
        #expect(try object.ints("i") == [1, 2])
        #expect(try object.numbers("d") == [1, 0.5])
        #expect(try object.strings("t") == ["p", "q"])
        #expect(try object.object("o")?.object("k")?.number("m") == 3)
        #expect(try object.objects("l")?.map { try $0.number("v") } == [1, 2])
        for key in ["none", "absent"] {
            #expect(object[key] == nil)
            #expect(try object.string(key) == nil)
            #expect(try object.bool(key, default: true))
            #expect(try object.object(key) == nil)
        }
        #expect(object.members.map(\.key) == ["s", "b", "n", "i", "d", "t", "o", "l", "none"])
    }

    @Test func `of several members the last counts, and all are kept`() throws {
        let object = try object(#"{"a": 1, "b": 2, "a": "x", "b": null}"#)
        #expect(try object.string("a") == "x")
        #expect(object["b"] == nil)
        #expect(object.members.count == 4)
        // Foundation's dictionaries take these two names for one.
        let spelled = try self.object(#"{"é": 1, "e\u0301": 2}"#)
        #expect(spelled.members.map { Array($0.key.utf8) } == [[0xC3, 0xA9], [0x65, 0xCC, 0x81]])
    }

    @Test func `defaults do not replace what is stated, null included`() throws {
        let object = try object(#"{"a": 1, "b": null}"#)
        let defaulted = object.defaulting(["a": .int(7), "b": .int(7), "c": .int(7)])
        #expect(defaulted["a"] == .int(1))
        #expect(defaulted["b"] == nil)
        #expect(defaulted["c"] == .int(7))
        #expect(object.replacing(["a": .int(7), "b": .int(8)])["b"] == .int(8))
    }

    @Test(arguments: [
        ("s", "a.json: o.p.s must be a string, not a number."),
        ("b", "a.json: o.p.b must be true or false, not a string."),
        ("n", "a.json: o.p.n must be a number."), ("w", "a.json: o.p.w must be a number."),
        ("i", "a.json: o.p.i must be an array of whole numbers."),
        ("t", "a.json: o.p.t must be an array, not an object."),
        ("o", "a.json: o.p.o must be an object, not null."),
        ("l", "a.json: o.p.l[1] must be an object, not a truth value."),
        ("r", "a.json: o.p.r is missing."),
    ])
    func `an error names the keys that lead to the fault`(key: String, sentence: String) throws {
        let object = try #require(
            try object(
                """
                {"o": {"p": {"s": 1, "b": "", "n": "1", "w": NaN, "i": [1, 1.5], "t": {},
                 "l": [{}, true]}, "q": {"o": null}}}
                """
            ).object("o"))
        let inner = try #require(try object.object("p"))
        let error = #expect(throws: UserError.self) {
            switch key {
            case "s": _ = try inner.string(key)
            case "b": _ = try inner.bool(key)
            case "n", "w": _ = try inner.number(key)
            case "i": _ = try inner.ints(key)
            case "t": _ = try inner.strings(key)
            case "o": _ = try object.object("q")?.memberObjects()
            case "l": _ = try inner.objects(key)
            default: _ = try inner.requiredString(key)
            }
        }
        let expected = key == "o" ? sentence.replacing("o.p.o", with: "o.q.o") : sentence
        #expect(error?.description == expected)
    }

    @Test func `a file that is no object says what it is, or where it breaks`() {
        for (text, words) in [
            ("[1]", "a.json: must be an object, not an array."),
            ("{\"a\":}", "a.json: is not valid JSON (no value at byte 5)"),
        ] {
            let error = #expect(throws: UserError.self) { try object(text) }
            #expect(error?.description.hasPrefix(words) == true, "\(String(describing: error))")
        }
    }

    @Test func `keys that nobody knows are refused by name`() throws {
        let object = try object(#"{"a": {"b": 1, "c": 2}}"#)
        let error = #expect(throws: UserError.self) { try object.object("a")?.allow(["b"]) }
        #expect(error?.description == "a.json: a has the key \"c\", which is not supported.")
    }
}
