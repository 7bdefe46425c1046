// SPDX-License-Identifier: Apache-2.0
// Damage anywhere in a work file is one sentence, before HDF5 sees it.

import Foundation
import HDF5
import TestSupport
import Testing
import Transformer
import UserErrors
import WorkFiles

@Suite(.serialized) struct ContentDigestTests {
    private func write(_ path: String) throws {
        var provenance = Provenance()
        provenance["model"] = .text("m")
        try MetricsFile(
            provenance: provenance, heads: [HeadAddress(layer: 1, head: 2)],
            metrics: [
                .init(name: "score", about: "A score.", values: [0.5], standardErrors: [.nan])
            ]
        ).write(to: path)
    }

    private func withFile(_ body: (URL) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "metrics.h5")
            try write(file.path)
            try body(file)
        }
    }

    private func refusal(_ file: URL) -> String? {
        do {
            _ = try MetricsFile(file.path)
            return nil
        } catch { return (error as? UserError)?.description ?? "\(error)" }
    }

    @Test func `a flipped bit, a cut and an extension are refused`() throws {
        try withFile { file in
            let whole = try Data(contentsOf: file)
            var damaged: [Data] = []
            for place in stride(from: 0, to: whole.count, by: 13) where place < 70 || place >= 512 {
                var data = whole
                data[place] ^= 1 << UInt8(place % 8)
                damaged.append(data)
            }
            for count in [0, 1, 100, 512, whole.count / 2, whole.count - 1] {
                damaged.append(Data(whole.prefix(count)))
            }
            damaged.append(whole + [0])
            for data in damaged {
                try data.write(to: file)
                let sentence = try #require(refusal(file))
                #expect(sentence.hasPrefix(file.path), "\(sentence)")
                #expect(sentence.hasSuffix("run stage-metrics again."), "\(sentence)")
            }
            try whole.write(to: file)
            #expect(refusal(file) == nil)
        }
    }

    @Test func `an edited file is told how to be read, and then is`() throws {
        try withFile { file in
            let sound = try MetricsFile(file.path)
            let handle = try FileHandle(forUpdating: file)
            let value = withUnsafeBytes(of: 0.5) { Data($0) }
            let place = try #require(try Data(contentsOf: file).range(of: value)).lowerBound
            try handle.seek(toOffset: UInt64(place))
            try handle.write(contentsOf: withUnsafeBytes(of: 0.25) { Data($0) })
            #expect(refusal(file)?.contains("if you edited it, take the digest away") == true)
            try handle.seek(toOffset: 0)
            try handle.write(contentsOf: Data(count: 512))
            try handle.close()
            #expect(sound.metrics[0].values == [0.5])
            #expect(try MetricsFile(file.path).metrics[0].values == [0.25])
        }
    }

    @Test func `an older file, which begins with what HDF5 writes, is read`() throws {
        try withFile { file in
            // The addresses in a file count from behind its user block.
            let whole = try Data(contentsOf: file)
            try whole.dropFirst(512).write(to: file)
            #expect(try MetricsFile(file.path).metrics[0].values == [0.5])
            for other in [Data("x".utf8), Data(count: 512), Data(count: 600), whole.dropFirst(1)] {
                try other.write(to: file)
                #expect(refusal(file)?.contains("is no work file") == true)
            }
        }
    }

    @Test func `HDF5 itself, and so every other program, reads the files as they are`() throws {
        try withFile { file in
            let names = try H5File.open(file.path).readStrings("metric_names")
            #expect(names == ["score"])
        }
    }

    @Test func `the first lines tell size and digest, and equal files are equal`() throws {
        try withFile { file in
            let first = try Data(contentsOf: file)
            let lines = String(decoding: first.prefix { $0 != 0 }, as: UTF8.self).split(
                separator: "\n")
            #expect(lines.prefix(2) == ["HeadVis work file", "bytes \(first.count - 512)"])
            #expect(lines.last?.wholeMatch(of: /xxh64 [0-9a-f]{16}/) != nil)
            try write(file.path)
            #expect(try Data(contentsOf: file) == first)
        }
    }

    @Test func `a file that changes after it was checked is checked again`() throws {
        try withFile { file in
            #expect(refusal(file) == nil)
            let handle = try FileHandle(forUpdating: file)
            try handle.seek(toOffset: 700)
            try handle.write(contentsOf: Data([0x55, 0xAA]))
            try handle.close()
            #expect(refusal(file)?.contains("is damaged or was edited") == true)
        }
    }
}
