// SPDX-License-Identifier: Apache-2.0
// Numbers and strings as the data tree has them.

import DataTree
import Foundation
import TestSupport
import Testing

@Suite struct JSONTests {
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
        var state: UInt64 = 5
        for _ in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let value = (Double(state >> 20) / 0x1p44 - 0.5) * 2000
            let written = text(value)
            let read = try #require(Double(written))
            #expect(abs(read - value) <= 0.00005 + 1e-12)
            // The shortest form of what it reads as is what was written.
            let shortest = read == read.rounded() ? "\(Int(read))" : "\(read)"
            #expect(written == shortest)
        }
    }

    @Test func `any string comes back as it was`() throws {
        let strings = [
            "", "a\"b\\c", "\u{0}\u{1}\u{1F}\u{7F}", "\n\t\r", " cat", "é 漢字 👩‍👩‍👧 \u{2028}",
            "</script><img src=x onerror=alert(1)>",
        ]
        var json = JSONWriter()
        json.strings(strings)
        #expect(try JSONDecoder().decode([String].self, from: Data(json.bytes)) == strings)
    }

    @Test func `members are found whatever stands in them`() throws {
        let text =
            #" {"a" : [1, {"b": "}],"}], "cl\u0075sters":[{"name":"x, \"y\"","n":0.10}] , "z":null }"#
        let members = try #require(JSONMembers(Data(text.utf8)))
        func value(_ name: String) -> String? {
            members[name].map {
                String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespaces)
            }
        }
        #expect(value("a") == #"[1, {"b": "}],"}]"#)
        #expect(value("clusters") == #"[{"name":"x, \"y\"","n":0.10}]"#)
        #expect(value("z") == "null")
        #expect(value("b") == nil)
        #expect(JSONMembers(Data("[1]".utf8)) == nil)
        #expect(JSONMembers(Data("{\"a\":".utf8)) == nil)
    }

    @Test func `a new tree takes the old one's place whole, and keeps what it is told to`() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "data")
            let first = try TreeReplacement(of: url)
            try first.write(Array("1".utf8), to: "heads/L0H0.json")
            try first.write(Array("old".utf8), to: "custom_sequences/L0H0.json")
            #expect(!FileManager.default.fileExists(atPath: url.path))
            try first.finish()
            #expect(first.current("heads/L0H0.json") == Data("1".utf8))
        }
    }

    @Test func `files that are not kept are gone from the next tree`() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "data")
            do {
                let first = try TreeReplacement(of: url)
                try first.write(Array("1".utf8), to: "heads/L0H0.json")
                try first.write(Array("mine".utf8), to: "custom_sequences/L0H0.json")
                try first.finish()
            }
            let second = try TreeReplacement(of: url)
            try second.keep("custom_sequences")
            try second.finish()
            #expect(second.current("heads/L0H0.json") == nil)
            #expect(second.current("custom_sequences/L0H0.json") == Data("mine".utf8))
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(names.sorted() == [".data.lock", "data"])
        }
    }

    @Test func `only unfinished trees of this program are removed, and others' files stay`() throws
    {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "data")
            let foreign = [
                folder.appending(path: "data.new"), folder.appending(path: ".data.headvis-7"),
            ]
            for folder in foreign {
                try FileManager.default.createDirectory(
                    at: folder, withIntermediateDirectories: true)
            }
            do { try TreeReplacement(of: url).finish() }
            try Data("my notes".utf8).write(to: url.appending(path: "notes.txt"))
            try Data("1".utf8).write(to: url.appending(path: "heads/L0H0.json"))
            do {
                let abandoned = try TreeReplacement(of: url)
                try abandoned.write(Array("2".utf8), to: "config.json")
            }
            let next = try TreeReplacement(of: url)
            try next.keepOthers { $0.hasPrefix("heads/") }
            try next.finish()
            #expect(next.current("notes.txt") == Data("my notes".utf8))
            #expect(next.current("heads/L0H0.json") == nil)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
                    == [".data.headvis-7", ".data.lock", "data", "data.new"])
        }
    }
}
