// SPDX-License-Identifier: Apache-2.0
// Places in JSON texts and changes to them, against Foundation's parser.

import Foundation
import JSON
import TestSupport
import Testing

@Suite struct TextTests {
    private let sample = #" {"a": 1.50, "b" :[1 , {"x":"]}\""}] ,"c":null } "#

    private func edited(
        _ text: String, _ edit: (inout JSONText) throws -> Void
    ) throws -> String {
        var text = try JSONText(Array(text.utf8))
        try edit(&text)
        // Where the value lies is known after an edit as a new reading finds it.
        #expect(try JSONText(text.bytes).root == text.root)
        return String(decoding: text.bytes, as: UTF8.self)
    }

    @Test func `setting a member leaves every other byte`() throws {
        #expect(
            try edited(sample) { try $0.set("b", to: Array("[]".utf8)) }
                == #" {"a": 1.50, "b" :[] ,"c":null } "#)
        #expect(
            try edited(sample) { try $0.set("d \"", to: Array("2".utf8)) }
                == #" {"a": 1.50, "b" :[1 , {"x":"]}\""}] ,"c":null ,"d \"":2} "#)
        #expect(try edited("{ }") { try $0.set("a", to: Array("1".utf8)) } == #"{ "a":1}"#)
        #expect(
            try edited(#"{"a":1,"a":2}"#) { try $0.set("a", to: Array("3".utf8)) }
                == #"{"a":1,"a":3}"#)
        for text in ["[]", "1", "null"] {
            #expect(throws: JSONError.self) {
                try edited(text) { try $0.set("a", to: Array("1".utf8)) }
            }
        }
    }

    @Test(arguments: [
        ("a", #" {"b" :[1 , {"x":"]}\""}] ,"c":null } "#), ("b", #" {"a": 1.50 ,"c":null } "#),
        ("c", #" {"a": 1.50, "b" :[1 , {"x":"]}\""}] } "#),
        ("x", #" {"a": 1.50, "b" :[1 , {"x":"]}\""}] ,"c":null } "#),
    ])
    func `removing a member takes one comma with it`(name: String, rest: String) throws {
        #expect(
            try edited(sample) { try $0.remove(name) }
                == rest.replacing("1.50 ,", with: name == "b" ? "1.50 ," : "1.50,"))
    }

    @Test(arguments: [
        ("{}", "{}"), (#"{"x":1}"#, "{}"), (#"{"x":1,"x":2}"#, "{}"),
        (#"{"x":1, "y":2, "x":3}"#, #"{"y":2}"#), (#"{"y":1, "x":2, "x":3}"#, #"{"y":1}"#),
        (#"{"x":1,"x":2,"y":3,"z":4}"#, #"{"y":3,"z":4}"#),
        (#"{"y":1,"x":2,"z":3,"x":4}"#, #"{"y":1,"z":3}"#), (#"{"\u0078":1}"#, "{}"),
    ])
    func `all members of a name are removed`(text: String, rest: String) throws {
        #expect(try edited(text) { try $0.remove("x") } == rest)
    }

    @Test func `an element goes to the end of its array`() throws {
        let list = { (text: JSONText) in try #require(text.member("b", of: text.root)) }
        #expect(
            try edited(sample) { try $0.append(Array("3".utf8), to: list($0)) }
                == #" {"a": 1.50, "b" :[1 , {"x":"]}\""},3] ,"c":null } "#)
        #expect(
            try edited(#"{"b":[ ]}"#) { try $0.append(Array("3".utf8), to: list($0)) }
                == #"{"b":[ 3]}"#)
        #expect(throws: JSONError.self) {
            try edited(#"{"b":{}}"#) { try $0.append(Array("3".utf8), to: list($0)) }
        }
    }

    @Test func `any row of changes gives the object that a dictionary gives`() throws {
        var random = SplitMix(state: 4)
        for _ in 0..<300 {
            var text = try JSONText(Array(" { } ".utf8))
            var expected: [String: Int] = [:]
            for _ in 0..<20 {
                let name = ["a", "b\n", "c\"", "é", "d", ""][Int.random(in: 0..<6, using: &random)]
                if Bool.random(using: &random) {
                    let value = Int.random(in: -9...9999, using: &random)
                    try text.set(name, to: Array("\(value)".utf8))
                    expected[name] = value
                } else {
                    try text.remove(name)
                    expected[name] = nil
                }
                let read = try JSONDecoder().decode([String: Int].self, from: Data(text.bytes))
                #expect(read == expected)
                #expect(try JSONText(text.bytes).root == text.root)
            }
        }
    }

    @Test func `members and elements are those that Foundation finds`() throws {
        var random = SplitMix(state: 1)
        for _ in 0..<500 {
            let value: [String: Any] = [
                "k": Self.value(3, &random), "é\"\n": Self.value(2, &random),
            ]
            let data = try JSONSerialization.data(
                withJSONObject: value, options: Bool.random(using: &random) ? .prettyPrinted : [])
            let text = try JSONText([UInt8](data))
            try Self.expect(text, text.root, equals: value)
        }
    }

    @Test func `text that is none is what Foundation does not read`() throws {
        var random = SplitMix(state: 9)
        let pieces = [
            #"\ud83d"#, #"\ude00"#, #"\u0041"#, #"\uD83D\uDE00"#, #"\\"#, #"\n"#, "a", "é", #"\""#,
            "\u{1F600}",
        ]
        for _ in 0..<3000 {
            let string = (0..<Int.random(in: 0...4, using: &random))
                .map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            let bytes = Array(#"["\#(string)"]"#.utf8)
            let text = try JSONText(bytes)
            let isRead = (try? JSONDecoder().decode([String].self, from: Data(bytes))) != nil
            #expect((text.misspelling(in: text.root) == nil) == isRead, "\(string)")
        }
    }

    private static func value(_ depth: Int, _ random: inout SplitMix) -> Any {
        switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &random) {
        case 0: return Int.random(in: -1_000_000...1_000_000, using: &random)
        case 1:
            return ["", "]", "}", "\\\"", "a,b:c", "é\u{1F600}"][
                Int.random(in: 0..<6, using: &random)]
        case 2: return Bool.random(using: &random)
        case 3: return NSNull()
        case 4:
            return (0..<Int.random(in: 0..<4, using: &random)).map { _ in value(depth - 1, &random)
            }
        default:
            return Dictionary(
                (0..<Int.random(in: 0..<4, using: &random)).map { i in
                    ("key \(i)", value(depth - 1, &random))
                }, uniquingKeysWith: { $1 })
        }
    }

    private static func expect(_ text: JSONText, _ range: Range<Int>, equals value: Any) throws {
        switch value {
        case let object as [String: Any]:
            let members = try #require(text.members(of: range))
            #expect(Set(members.compactMap(\.name)) == Set(object.keys))
            for member in members {
                try expect(text, member.value, equals: try #require(object[member.name ?? ""]))
            }
        case let list as [Any]:
            let elements = try #require(text.elements(of: range))
            #expect(elements.count == list.count)
            for (element, value) in zip(elements, list) {
                try expect(text, element, equals: value)
            }
        case let string as String: #expect(text.string(range) == string)
        case is NSNull: #expect(text.isNull(range))
        case let flag as Bool where text.int(range) == nil:
            #expect(text.bytes[range].elementsEqual(Array((flag ? "true" : "false").utf8)))
        case let int as Int: #expect(text.int(range) == int)
        default: Issue.record("\(value)")
        }
    }
}
