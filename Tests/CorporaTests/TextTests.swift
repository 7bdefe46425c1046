// SPDX-License-Identifier: Apache-2.0
// Plain text: lines, line endings, what is broken and what is empty.

import Corpora
import Foundation
import TestSupport
import Testing

@Suite struct TextTests {
    @Test func `a line is a document, with its number, and the last needs no line feed`() throws {
        let reading = try Reading("one\n two \nthree", named: "a.txt")
        #expect(reading.texts == ["one", " two ", "three"])
        #expect(reading.documents.map(\.line) == [1, 2, 3])
        #expect(reading.report.documents == 3)
        #expect(reading.report.bytesRead == 15)
        #expect(reading.report.totalBytes == 15)
        #expect(reading.error == nil)
    }

    @Test func `CRLF ends a line like LF, and a byte order mark is no text`() throws {
        let reading = try Reading("\u{FEFF}one\r\ntwo\r\n\r\nth\rree\r\n", named: "a.cor")
        #expect(reading.texts == ["one", "two", "th\rree"])
        #expect(reading.report.empty == 1)
    }

    @Test func `white space of any script alone is no document`() throws {
        let reading = try Reading("\n \t \n\u{3000}\u{A0}\nx\n\n", named: "a.txt")
        #expect(reading.texts == ["x"])
        #expect(reading.documents.first?.line == 4)
        #expect(reading.report.empty == 4)
    }

    @Test func `a line that is not UTF-8 is counted with its number and skipped`() throws {
        let data =
            Data("good\n".utf8) + [0xC3, 0x28, 0x0A] + Data("fine\n".utf8) + [0xED, 0xA0, 0x80]
        let reading = try Reading(data, named: "a.txt")
        #expect(reading.texts == ["good", "fine"])
        #expect(reading.report.brokenCount == 2)
        #expect(reading.report.broken.map(\.line) == [2, 4])
        #expect(reading.report.broken.first?.reason == "is not valid UTF-8")
        let message = try #require(reading.report.brokenMessage)
        #expect(message.hasPrefix("2 broken lines were skipped: "))
        #expect(message.contains("a.txt:2 is not valid UTF-8"))
    }

    @Test func `only the first broken lines are kept, but all are counted`() throws {
        let reading = try Reading(
            Data((0..<1000).flatMap { _ in [0xFF, 0x0A] as [UInt8] }), named: "a.txt")
        #expect(reading.report.brokenCount == 1000)
        #expect(reading.report.broken.count == CorpusReport.keptBrokenLines)
        #expect(reading.report.brokenMessage?.hasSuffix("and 990 more.") == true)
    }

    @Test func `a file is a document when asked, with plain line feeds inside`() throws {
        var options = CorpusOptions()
        options.documentPerFile = true
        let reading = try Reading("\u{FEFF}one\r\ntwo\n\nthree\r\n", named: "a.txt", options)
        #expect(reading.texts == ["one\ntwo\n\nthree"])
        #expect(reading.documents.first?.line == 1)
        let lines = try Reading(
            #"{"text":"a"}"# + "\n" + #"{"text":"b"}"#, named: "a.jsonl", options)
        #expect(lines.texts == ["a", "b"])
    }

    @Test(arguments: [1, 2, 7]) func `lines of every length around a chunk come out whole`(
        seed: UInt64
    ) throws {
        var generator = SplitMix(state: seed)
        let sizes = [0, 1, 2, 100, 1 << 18 - 1, 1 << 18, 1 << 18 + 1, 1 << 20, 3 << 20 + 5]
        let lines = (0..<60).map { _ in
            String(
                repeating: "abcdefghij".randomElement(using: &generator) ?? "a",
                count: sizes.randomElement(using: &generator) ?? 0)
        }
        let reading = try Reading(lines.joined(separator: "\n") + "\n", named: "a.txt")
        #expect(reading.texts == lines.filter { !$0.isEmpty })
        #expect(
            reading.documents.map(\.line)
                == lines.indices.filter { !lines[$0].isEmpty }.map { $0 + 1 })
    }

    @Test(arguments: ["", ".gz", ".zst"])
    func `a line over the limit is broken, the next one is read`(
        ending: String
    ) throws {
        var options = CorpusOptions()
        options.longestLine = 2 << 20
        let fits = String(repeating: "x", count: options.longestLine)
        let text = "one\n\(fits)\n\(fits)x\n\(fits)\(fits)\(fits)\ntwo\r\n\(fits)\r\n\(fits)y"
        let reading = try Reading(
            pack(Data(text.utf8), ending), named: "a.txt" + ending, options)
        #expect(reading.texts == ["one", fits, "two", fits])
        #expect(reading.report.broken.map(\.line) == [3, 4, 7])
        #expect(reading.report.broken.first?.reason == "is longer than 2 MiB")
    }

    @Test func `a file over the limit is a broken document`() throws {
        var options = CorpusOptions()
        options.documentPerFile = true
        options.longestLine = 1 << 20
        let reading = try Reading(
            String(repeating: "ab\n", count: 1 << 19), named: "a.txt", options)
        #expect(reading.texts.isEmpty)
        #expect(reading.report.broken.map(\.line) == [1])
    }

    @Test func `a line of 100 MB is a document`() throws {
        let size = 100_000_000
        let reading = try Reading(
            Data(repeating: UInt8(ascii: "x"), count: size) + Data("\nnext\n".utf8), named: "a.txt")
        #expect(reading.documents.map(\.text.utf8.count) == [size, 4])
    }

    @Test func `a corpus without text has a sentence that says so`() throws {
        let empty = try Reading("", named: "a.txt")
        #expect(empty.error == nil)
        #expect(
            empty.report.emptyCorpusMessage.hasSuffix(
                "has no text: it is empty; give a file with text in it."))
        let blank = try Reading("\n\n", named: "a.txt").report.emptyCorpusMessage
        #expect(blank.contains("its 2 documents hold only white space"))
        let broken = try Reading("{\"body\":\"x\"}\n", named: "a.jsonl").report.emptyCorpusMessage
        #expect(broken.contains(#"a.jsonl:1 has no field "text""#))
    }
}
