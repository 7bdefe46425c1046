// SPDX-License-Identifier: Apache-2.0
// Numbers, strings and structure as the writer puts them down, against what Foundation reads of them.

import Foundation
import JSON
import TestSupport
import Testing

@Suite struct WriterTests {
    private func text(_ value: Double) -> String {
        var json = JSONWriter()
        json.number(value)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    @Test(arguments: [
        (0.0, "0"), (-0.0, "0"), (0.12345, "0.1235"), (0.12344, "0.1234"), (0.1, "0.1"),
        (1.0, "1"), (-2.5, "-2.5"), (0.00004, "0"), (-0.00004, "0"), (0.00005, "0.0001"),
        (123456.7891234, "123456.7891"), (0.9999999, "1"), (5e10, "50000000000"),
    ])
    func `numbers have at most four decimals in their shortest form`(value: Double, text: String) {
        #expect(self.text(value) == text)
    }

    @Test func `any number reads back as itself rounded to four decimals`() throws {
        var random = SplitMix(state: 5)
        for _ in 0..<20_000 {
            let value = Double.random(in: -1000...1000, using: &random)
            let written = text(value)
            let read = try #require(Double(written))
            #expect(abs(read - value) <= 0.00005 + 1e-12)
            // The shortest form of what it reads as is what was written.
            let shortest = read == read.rounded() ? "\(Int(read))" : "\(read)"
            #expect(written == shortest)
        }
    }

    @Test func `numbers of any size and whole numbers of any sign are read by Foundation`() throws {
        var json = JSONWriter()
        let numbers = [1e11, 1e15, 8.999e15, 1e16, 1.5e300, -1e22, .greatestFiniteMagnitude]
        json.numbers(numbers)
        #expect(try JSONDecoder().decode([Double].self, from: Data(json.bytes)) == numbers)
        let ints = [0, -1, 7, 10, -100, .max, .min]
        json = JSONWriter()
        json.ints(ints)
        #expect(try JSONDecoder().decode([Int].self, from: Data(json.bytes)) == ints)
    }

    @Test func `any string comes back as it was`() throws {
        let strings =
            [
                "", "a\"b\\c", "\n\t\r", " cat", "é 漢字 👩‍👩‍👧 \u{2028}",
                "</script><img src=x onerror=alert(1)>",
            ] + (0..<0x180).compactMap { Unicode.Scalar($0).map { String($0) } }
        var json = JSONWriter()
        json.strings(strings)
        let read = try JSONDecoder().decode([String].self, from: Data(json.bytes))
        #expect(read.map { Array($0.utf8) } == strings.map { Array($0.utf8) })
        #expect(try JSONValue(parsing: json.bytes) == .array(strings.map { .string($0) }))
    }

    @Test func `commas stand between members and elements, and nowhere else`() throws {
        var json = JSONWriter()
        json.object { json in
            json.key("a")
            json.array { json in
                json.int(1)
                json.array { _ in }
                json.object { _ in }
                json.null()
            }
            json.key("b")
            json.object { json in
                json.key("c")
                json.bool(false)
            }
            json.key("d")
            json.json("[true]".utf8)
        }
        #expect(
            String(decoding: json.bytes, as: UTF8.self)
                == #"{"a":[1,[],{},null],"b":{"c":false},"d":[true]}"#)
    }
}
