// SPDX-License-Identifier: Apache-2.0
// gzip and zstd corpora, sound and not.

import Corpora
import Foundation
import TestSupport
import Testing
import UserErrors

@Suite struct CompressionTests {
    private static let endings = [".gz", ".zst"]
    /// Text that does not shrink much, so that a file has many blocks.
    private static let lines: [String] = {
        var generator = SplitMix(state: 5)
        return (0..<20_000).map { "\($0) \(generator.next()) \(generator.next())" }
    }()
    private static let text = Data(lines.joined(separator: "\n").utf8)

    @Test(arguments: endings) func `a compressed file reads like the plain one`(
        ending: String
    ) throws {
        let packed = pack(Self.text, ending)
        let reading = try Reading(packed, named: "a.txt" + ending)
        #expect(reading.texts == Self.lines)
        #expect(reading.report.bytesRead == packed.count)
    }

    @Test(arguments: endings) func `members or frames in a row are one stream`(
        ending: String
    ) throws {
        var packed = Data()
        for start in stride(from: 0, to: Self.text.count, by: 70_001) {
            packed += pack(Self.text[start..<min(start + 70_001, Self.text.count)], ending)
            packed += pack(Data(), ending)
        }
        #expect(try Reading(packed, named: "a.txt" + ending).texts == Self.lines)
    }

    @Test func `zero bytes behind a gzip member are padding`() throws {
        let reading = try Reading(
            gzip(Data("one\n".utf8)) + Data(count: 700_000) + gzip(Data("two\n".utf8))
                + Data(count: 3),
            named: "a.txt.gz")
        #expect(reading.texts == ["one", "two"])
        #expect(reading.error == nil)
    }

    @Test(arguments: endings)
    func `a truncated file is an error after the documents before the end`(
        ending: String
    ) throws {
        let packed = pack(Self.text, ending)
        for count in [0, 1, 5, 20, packed.count / 2, packed.count - 9, packed.count - 1] {
            let reading = try Reading(packed.prefix(count), named: "a.txt" + ending)
            #expect(reading.error?.description.contains("a.txt\(ending) is not a whole") == true)
            #expect(reading.texts.elementsEqual(Self.lines.prefix(reading.documents.count)))
            if count >= packed.count / 2 { #expect(reading.documents.count > Self.lines.count / 3) }
        }
    }

    @Test(arguments: endings)
    func `a corrupt file is an error after the documents before the fault`(
        ending: String
    ) throws {
        let half = pack(Self.text, ending)
        let packed = half + [0x41, 0x42, 0x43, 0x44, 0x45, 0x46]
        let reading = try Reading(packed, named: "a.txt" + ending)
        #expect(reading.error?.description.contains("a.txt\(ending) is not a sound") == true)
        #expect(reading.texts == Self.lines.dropLast())
        let text = try Reading(Self.text, named: "a.txt" + ending)
        #expect(text.error?.description.contains("corrupt") == true)
        #expect(text.documents.isEmpty)
    }

    @Test func `a reader that met an error stays at it`() throws {
        try withTemporaryFolder { folder in
            let path = folder.path + "/a.txt.gz"
            try gzip(Data("one\ntwo\n".utf8)).dropLast(3).write(to: URL(filePath: path))
            let reader = try CorpusReader(paths: [path], options: CorpusOptions())
            #expect(try reader.next()?.text == "one")
            #expect(try reader.next()?.text == "two")
            let first = try #require(throws: UserError.self) { try reader.next() }
            #expect(throws: first) { try reader.next() }
        }
    }

    @Test(arguments: endings) func `a bomb of empty lines is streamed`(ending: String) throws {
        let block = pack(Data(repeating: 0x0A, count: 2 << 20), ending)
        let reading = try Reading(
            (0..<10).reduce(into: Data()) { data, _ in data += block }, named: "a.txt" + ending)
        #expect(reading.report.empty == 20 << 20)
        #expect(reading.report.bytesRead < 1 << 20)
    }
}
