// SPDX-License-Identifier: Apache-2.0
// Places in JSON texts, against Foundation's parser.

import Foundation
import Server
import Testing

@Suite struct JSONTextTests {
    @Test func `Changing a member leaves every other byte`() throws {
        let text = try JSONText(Array(#" {"a": 1.50, "b" :[1 , {"x":"]}\""}] ,"c":null } "#.utf8))
        #expect(
            String(decoding: try text.setting("b", to: Array("[]".utf8)), as: UTF8.self)
                == #" {"a": 1.50, "b" :[] ,"c":null } "#)
        #expect(
            String(decoding: try text.setting("d", to: Array("2".utf8)), as: UTF8.self)
                == #" {"a": 1.50, "b" :[1 , {"x":"]}\""}] ,"c":null ,"d":2} "#)
        let member = try text.member("b", of: text.root)
        let list = try #require(member)
        #expect(
            String(decoding: try text.appending(Array("3".utf8), to: list), as: UTF8.self)
                == #" {"a": 1.50, "b" :[1 , {"x":"]}\""},3] ,"c":null } "#)
    }

    @Test func `Members and elements are those that Foundation finds`() throws {
        var random = SplitMix(seed: 1)
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

    @Test func `What is not JSON is refused, and never more than that`() throws {
        for bad in [
            "", " ", "{", "[1,]", "{\"a\"}", "{\"a\":}", "{,}", "[1 2]", "\"", "\"\\", "tru", "nul",
            "1 2", "[1]]", "{\"a\":1,}", "{1:2}", "-", "\u{1}", "\"\u{1}\"",
            String(repeating: "[", count: 100_000),
        ] {
            #expect(throws: JSONTextError.self, "\(bad.prefix(20))") {
                try JSONText(Array(bad.utf8))
            }
        }
        var random = SplitMix(seed: 2)
        let sound = Array(#"{"a":[1,2.5e3,"x\u00e9",{"b":null,"c":[true,false]}],"d":""}"#.utf8)
        for _ in 0..<5000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            let isJSON = (try? JSONSerialization.jsonObject(with: Data(bytes))) != nil
            let text = try? JSONText(bytes)
            #expect(text != nil || !isJSON, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test func `Text that is none is what Foundation does not read`() throws {
        var random = SplitMix(seed: 9)
        let pieces = [
            #"\ud83d"#, #"\ude00"#, #"\u0041"#, #"\uD83D\uDE00"#, #"\\"#, #"\n"#, #"\x"#, #"\u12"#,
            "a",
            "é", #"\""#, #"\u+123"#, "\u{1F600}",
        ]
        for _ in 0..<3000 {
            let string = (0..<Int.random(in: 0...4, using: &random))
                .map { _ in pieces.randomElement(using: &random)! }.joined()
            let bytes = Array(#"{"a":[1,"\#(string)"]}"#.utf8)
            let text = try JSONText(bytes)
            let isRead = (try? JSONDecoder().decode([String: Mixed].self, from: Data(bytes))) != nil
            #expect(text.hasMisspelling(in: text.root) == !isRead, "\(string)")
        }
    }

    /// A list of a number and a text.
    private struct Mixed: Decodable {
        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            _ = try list.decode(Int.self)
            _ = try list.decode(String.self)
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
            let members = try #require(try text.members(of: range))
            #expect(Set(members.map(\.name)) == Set(object.keys))
            for member in members {
                try expect(text, member.value, equals: try #require(object[member.name]))
            }
        case let list as [Any]:
            let elements = try #require(try text.elements(of: range))
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
