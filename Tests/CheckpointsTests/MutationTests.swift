// SPDX-License-Identifier: Apache-2.0

import Checkpoints
import Foundation
import TestSupport
import Testing

/// Thousands of damaged files: each opens and can be read to its last element, or is refused.
@Suite struct MutationTests {
    static let extremes: [UInt64] = [
        0, 1, 0x7fff_ffff, 0xffff_ffff, 1 << 32, 1 << 61, UInt64(Int64.max), 1 << 63, .max,
    ]

    /// How many files opened and how many were refused.
    struct Tally {
        var opened = 0
        var refused = 0
    }

    /// Opens `contents`, reads all there is to read and notes the outcome.
    private func probe(_ contents: Data, at file: URL, _ tally: inout Tally) throws {
        try refill(file, with: contents)
        do throws {
            let checkpoint = try Checkpoint(opening: file)
            for tensor in checkpoint.tensors.values where tensor.type.widens {
                #expect(tensor.widened().count == tensor.rows * tensor.columns)
                let middle = tensor.columns / 2
                var transposed = [Float](
                    repeating: 0, count: (tensor.columns - middle) * tensor.rows)
                tensor.widenTransposed(columns: middle..<tensor.columns, into: &transposed)
            }
            let metadata = checkpoint.metadata
            for key in metadata.keys {
                _ = (metadata.string(key), metadata.int(key), metadata.float(key))
                _ = (metadata.bool(key), metadata.strings(key))
                _ = (metadata.ints(key), metadata.floats(key))
            }
            tally.opened += 1
        } catch {
            #expect("\(error)".hasSuffix("."))
            tally.refused += 1
        }
    }

    /// Flips, splices and cuts, anywhere in the header and here and there behind it.
    private func mutant(_ original: Data, header: Int, _ generator: inout SplitMix) -> Data {
        var data = original
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let place = Int.random(in: 0..<min(header, data.count), using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: data[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: data[place] = UInt8.random(in: 0...255, using: &generator)
            case 2:
                let from = Int.random(in: 0..<data.count, using: &generator)
                let piece = Data(data[from..<min(data.count, from + 12)])
                data.replaceSubrange(place..<min(data.count, place + piece.count), with: piece)
            case 3:
                let end = min(data.count, place + Int.random(in: 1...9, using: &generator))
                data.removeSubrange(place..<end)
            default:
                data = data.prefix(Int.random(in: 0...data.count, using: &generator))
            }
            if data.isEmpty { break }
        }
        return data
    }

    @Test(arguments: [("small.safetensors", 760), ("small.gguf", 900), ("random-blocks.gguf", 900)])
    func `damaged files open and read to the end, or are refused`(
        name: String, header: Int
    ) throws {
        let original = try Data(contentsOf: fixture(name))
        var generator = SplitMix(state: 20_240_607)
        var tally = Tally()
        try withTemporaryFolder { folder in
            let file = folder.appending(path: name)
            for _ in 0..<4000 {
                try probe(mutant(original, header: header, &generator), at: file, &tally)
            }
        }
        #expect(tally.opened > 100 && tally.refused > 1000, "\(tally)")
    }

    @Test func `extreme integers anywhere in a GGUF header are survived`() throws {
        let original = try Data(contentsOf: fixture("small.gguf"))
        var tally = Tally()
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "extreme.gguf")
            for place in 4..<900 {
                for extreme in Self.extremes {
                    var data = original
                    data.replaceSubrange(place..<place + 8, with: littleEndian(extreme))
                    try probe(data, at: file, &tally)
                }
                var data = original
                data.replaceSubrange(
                    place..<place + 4, with: littleEndian(UInt32(place % 15)))
                try probe(data, at: file, &tally)
            }
        }
        #expect(tally.opened > 100 && tally.refused > 1000, "\(tally)")
    }

    @Test func `extreme integers in place of any in a safetensors header are survived`() throws {
        let original = try Data(contentsOf: fixture("small.safetensors"))
        let length = original.withUnsafeBytes { Int($0.load(as: UInt64.self)) }
        let header = String(decoding: original[8..<8 + length], as: UTF8.self)
        let numbers = ["0", "1", "-1", "007", "1.5", "1e3", "18446744073709551616"]
        let texts = numbers + Self.extremes.map(String.init)
        var tally = Tally()
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "extreme.safetensors")
            for match in header.matches(of: /[0-9]+/) {
                for text in texts {
                    let changed = header.replacingCharacters(in: match.range, with: text)
                    try probe(
                        safetensors(changed) + original[(8 + length)...], at: file, &tally)
                }
            }
            for extreme in Self.extremes {
                try probe(littleEndian(extreme) + original.dropFirst(8), at: file, &tally)
            }
        }
        #expect(tally.opened > 0 && tally.refused > 300, "\(tally)")
    }
}
