// SPDX-License-Identifier: Apache-2.0
// Sound and damaged texts are read as Python reads them (Tests/Generators/json_cases.py).

import Foundation
import JSON
import TestSupport
import Testing

@Suite struct PythonTests {
    /// A text, and what the generator wrote of Python's value.
    private struct Case {
        let bytes: [UInt8]
        let expected: String
        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    private func cases() throws -> [Case] {
        let table = try String(contentsOf: Fixtures.url("json/cases.tsv"), encoding: .utf8)
        return try table.split(separator: "\n").map { line in
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
            let bytes = try #require(Data(base64Encoded: String(columns[0])))
            return Case(bytes: [UInt8](bytes), expected: String(columns[1]))
        }
    }

    @Test func `what Python reads is read as the same value, and what it refuses is refused`()
        throws
    {
        let cases = try cases()
        #expect(cases.count(where: { $0.expected == "-" }) > 500)
        #expect(cases.count(where: { $0.expected.count > 1 }) > 300)
        for one in cases {
            let value = try? JSONValue(parsing: one.bytes)
            let isRefused = one.expected == "-" || one.expected == "?"
            #expect(value.map(written) == (isRefused ? nil : one.expected), "\(one.text)")
        }
    }

    /// The grammar allows what is no text or no double, where nobody asks for it.
    @Test func `a text is passed over exactly if Python reads it`() throws {
        for one in try cases() {
            let isPassed = (try? JSONText(one.bytes)) != nil
            #expect(isPassed == (one.expected != "-"), "\(one.text)")
        }
    }

    @Test func `values are refused for what Unicode and doubles do not have`() throws {
        let problems = try cases().filter { $0.expected == "?" }.map { one in
            #expect(throws: JSONError.self) { try JSONValue(parsing: one.bytes) }?.problem
        }
        #expect(problems.count > 10)
        #expect(problems.allSatisfy { $0 == .halfSurrogate || $0 == .tooLarge })
        #expect(Set(problems).count == 2)
    }

    private func written(_ value: JSONValue) -> String {
        switch value {
        case .null: "z"
        case .bool(let bool): bool ? "t" : "f"
        case .int(let int): "i\(int)"
        case .double(let double): "d" + hexadecimal(double.bitPattern, digits: 16)
        case .string(let string): written(string)
        case .array(let array): "[" + array.map(written).joined() + "]"
        case .object(let members):
            "{" + members.map { written($0.key) + written($0.value) }.joined() + "}"
        }
    }

    private func written(_ string: String) -> String {
        "s" + string.utf8.map { hexadecimal(UInt64($0), digits: 2) }.joined() + ";"
    }

    private func hexadecimal(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: digits - text.count) + text
    }
}
