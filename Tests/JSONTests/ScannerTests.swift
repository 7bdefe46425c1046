// SPDX-License-Identifier: Apache-2.0
// What the scanner says of faults, where its limits are, and that nothing brings it down.

import Foundation
import JSON
import TestSupport
import Testing

@Suite struct ScannerTests {
    private func error(_ text: String, allowsNonFinite: Bool = false) -> JSONError? {
        do throws(JSONError) {
            _ = try JSONValue(parsing: text.utf8, allowsNonFinite: allowsNonFinite)
            return nil
        } catch { return error }
    }

    private func scan(_ text: String, _ body: (inout JSONScanner) throws -> Void) throws {
        try Array(text.utf8).withUnsafeBufferPointer { bytes throws in
            var scanner = JSONScanner(bytes)
            try body(&scanner)
        }
    }

    @Test(arguments: [
        ("", 0, JSONError.Problem.endsEarly), ("  ", 2, .endsEarly), ("[1,", 3, .endsEarly),
        ("{\"a\"", 4, .endsEarly), ("\"abc", 4, .endsEarly), ("\"\\u00", 5, .endsEarly),
        ("[1 2]", 3, .noComma), ("{\"a\":1 \"b\":2}", 7, .noComma), ("[1}", 2, .noComma),
        ("{\"a\" 1}", 5, .noColon), ("{a:1}", 1, .noName), ("{\"a\":1,}", 7, .noName),
        ("[1,]", 3, .noValue), ("[,1]", 1, .noValue), ("nul!", 0, .noValue), ("?", 0, .noValue),
        ("01", 1, .badNumber), ("-x", 1, .badNumber), ("1.x", 2, .badNumber),
        ("1e+x", 3, .badNumber), ("1 1", 2, .textAfterEnd), ("[1e400]", 1, .tooLarge),
        ("\"a\u{1}\"", 2, .controlCharacter), ("[\"\\x\"]", 3, .unknownEscape),
        ("\"\\u12g4\"", 5, .unknownEscape), ("[\"ab\\ud83d\"]", 4, .halfSurrogate),
        ("\"\\udc00\\ud800\"", 1, .halfSurrogate), ("NaN", 0, .noValue),
        ("-Infinity", 1, .badNumber),
    ])
    func `an error names the byte and the problem`(
        text: String, offset: Int, problem: JSONError.Problem
    ) {
        let error = error(text)
        #expect(error?.offset == offset, "\(text): \(String(describing: error))")
        #expect(error?.problem == problem, "\(text): \(String(describing: error))")
        #expect(error?.description == "\(problem.rawValue) at byte \(offset)")
    }

    @Test(arguments: [
        [0xC3], [0xFF], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xF4, 0x90, 0x80, 0x80],
    ])
    func `a string must be UTF-8, escaped or not`(bytes: [UInt8]) {
        for tail in ["", "\\n"] {
            let text = Array("[\"ab".utf8) + bytes + Array("\(tail)\"]".utf8)
            let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
            #expect(error?.problem == .notUTF8)
            #expect(error?.offset == 2)
        }
    }

    @Test func `numbers that Python adds to JSON are read only where they are allowed`() throws {
        let text = #"{"a":[NaN,Infinity,-Infinity,-1]}"#
        let value = try JSONValue(parsing: text.utf8, allowsNonFinite: true)
        guard case .object(let members) = value, case .array(let numbers) = members[0].value else {
            Issue.record("\(value)")
            return
        }
        #expect(numbers[0].number?.isNaN == true)
        #expect(numbers[1...] == [.double(.infinity), .double(-.infinity), .int(-1)])
        for bad in [
            "nan", "NAN", "Nan", "inf", "Infinit", "+Infinity", "-NaN", "--Infinity", "- 1",
        ] {
            #expect(error(bad, allowsNonFinite: true) != nil, "\(bad)")
        }
    }

    @Test func `512 levels are read and not one more`() throws {
        let limit = JSONScanner.deepest
        #expect(JSONError.Problem.tooDeep.rawValue.contains("\(limit)"))
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = { (depth: Int) in
                String(repeating: open, count: depth - 1) + (open == "[" ? "[]" : "{}")
                    + String(repeating: close, count: depth - 1)
            }
            #expect(error(nested(limit)) == nil)
            #expect(error(nested(limit + 1))?.problem == .tooDeep)
            #expect((try? JSONText(Array(nested(limit).utf8))) != nil)
            #expect(throws: JSONError.self) { try JSONText(Array(nested(limit + 1).utf8)) }
        }
    }

    @Test func `a scanner gives what its caller asks for`() throws {
        let text = #"{"skip":{"a":[{}]},"shape":[2,0,10],"name":"x\ty","none":[]} "#
        try scan(text) { scanner in
            try scanner.beginObject()
            #expect(try scanner.nextKey() == "skip")
            #expect(try scanner.skip() == 8..<18)
            #expect(try scanner.nextKey() == "shape")
            #expect(try scanner.naturals() == [2, 0, 10])
            #expect(try scanner.nextKey() == "name")
            #expect(try scanner.string() == "x\ty")
            #expect(try scanner.nextKey() == "none")
            #expect(try scanner.naturals() == [])
            #expect(try scanner.nextKey() == nil)
            try scanner.end()
        }
    }

    @Test(arguments: [
        ("-1", JSONError.Problem.noNatural), ("1.0", .noNatural), ("1e3", .noNatural),
        ("\"1\"", .noNatural), ("9223372036854775808", .tooLarge), ("01", .badNumber),
    ])
    func `a natural number is written as one`(text: String, problem: JSONError.Problem) throws {
        let error = #expect(throws: JSONError.self) {
            try scan(text) { _ = try $0.natural() }
        }
        #expect(error?.problem == problem)
        try scan("9223372036854775807") { scanner in
            let largest = try scanner.natural()
            #expect(largest == .max)
        }
    }

    @Test(arguments: [
        (#"{"text":"a"}"#, JSONField.string("a")), (#"{"other":"a"}"#, .missing), ("{}", .missing),
        (#"{"text":1}"#, .other), (#"{"text":{"text":"a"}}"#, .other),
        (#"{"text":1,"text":"b"}"#, .string("b")), (#"{"text":"b","text":1}"#, .other),
        (#"{"\u0074ext":"c"}"#, .string("c")), (#"{"x":{"text":"no"},"text":"d"}"#, .string("d")),
        (#"{"\ud800":"\ud800","text":"e"}"#, .string("e")),
    ])
    func `the last field of a name is taken`(text: String, field: JSONField) throws {
        try scan(text) { scanner in
            let found = try scanner.field(named: "text")
            #expect(found == field)
        }
    }

    @Test func `damaged bytes are read in every way, or refused in every way`() throws {
        let seeds = [
            #"{"a":[1,2.5e3,"x\u00e9",{"b":null,"c":[true,false]}],"text":"é😀 \ud83d\ude00"}"#,
            #"[{"text":"aaaaaaaaaaaaaaaa\\","n":-0.0,"m":12345678901234567890},[[[]]],NaN]"#,
        ]
        var random = SplitMix(state: 3)
        var sound = 0
        for round in 0..<30_000 {
            var bytes = Array(seeds[round % 2].utf8)
            for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = .random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(bytes[place], at: place)
                default: bytes.removeSubrange(place...)
                }
            }
            let text = try? JSONText(bytes)
            let value = try? JSONValue(parsing: bytes)
            #expect(text != nil || value == nil)
            if let text, value == nil, text.misspelling(in: text.root) == nil {
                Issue.record("\(String(decoding: bytes, as: UTF8.self))")
            }
            if value != nil { sound += 1 }
            bytes.withUnsafeBufferPointer { bytes in
                var scanner = JSONScanner(bytes, allowsNonFinite: true)
                let isObject = bytes.first == UInt8(ascii: "{")
                #expect((try? scanner.field(named: "text")) == nil || (text != nil && isObject))
            }
        }
        #expect(sound > 2000 && sound < 28_000, "\(sound)")
    }

    /// Each would take hours if work grew with the square of the length.
    @Test(arguments: [
        String(repeating: "[", count: 4_000_000), String(repeating: "{\"\":", count: 1_000_000),
        "\"" + String(repeating: "\\u0041", count: 1_000_000) + "\"",
        "\"" + String(repeating: "\\ud83d", count: 1_000_000) + "\"",
        "[" + String(repeating: "9", count: 4_000_000) + "]",
        "[0." + String(repeating: "0", count: 4_000_000) + "1]",
        "[" + String(repeating: "1,", count: 1_000_000) + "1]",
        "{" + String(repeating: "\"a\":1,", count: 500_000) + "\"a\":1}",
        String(repeating: " ", count: 8_000_000),
    ])
    func `long texts take time in proportion`(text: String) {
        let bytes = Array(text.utf8)
        let duration = ContinuousClock().measure {
            _ = try? JSONValue(parsing: bytes)
            if var text = try? JSONText(bytes) { try? text.remove("a") }
        }
        #expect(duration < .seconds(20), "\(duration)")
    }
}
