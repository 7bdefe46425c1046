// SPDX-License-Identifier: Apache-2.0
// Corpora damaged at random: a reader ends, with documents, counted lines, or a sentence.

import Corpora
import Foundation
import TestSupport
import Testing

@Suite struct FuzzTests {
    @Test(arguments: ["a.txt", "a.jsonl", "a.txt.gz", "a.jsonl.gz", "a.txt.zst", "a.jsonl.zst"])
    func `a damaged file never does worse than an error`(name: String) throws {
        let ending = name.hasSuffix(".gz") ? ".gz" : name.hasSuffix(".zst") ? ".zst" : ""
        let lines = (0..<40).map { "{\"id\":\($0),\"text\":\"line \($0) \\u00e9 é \\\"x\\\"\"}" }
        let halves = [lines[..<20], lines[20...]].map {
            pack(Data(($0.joined(separator: "\n") + "\n").utf8), ending)
        }
        let sound = [UInt8](halves[0] + halves[1])
        var generator = SplitMix(state: 3)
        try withTemporaryFolder { folder in
            let url = folder.appending(path: name)
            var failures = 0
            for _ in 0..<700 {
                try Data(damage(sound, using: &generator)).write(to: url)
                let reading = Reading([url.path])
                if let error = reading.error {
                    failures += 1
                    #expect("\(error)".contains(url.path))
                }
                let report = reading.report
                #expect(report.documents == reading.documents.count)
                #expect(reading.documents.allSatisfy { !$0.text.isEmpty && $0.source == url.path })
                let numbers = reading.documents.map(\.line)
                #expect(zip(numbers, numbers.dropFirst()).allSatisfy(<))
            }
            #expect(ending.isEmpty ? failures == 0 : failures > 500)
        }
    }

    private func damage(
        _ bytes: [UInt8], using generator: inout SplitMix
    ) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            let end = min(place + Int.random(in: 1...40, using: &generator), bytes.count)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[place] = .random(in: 0...255, using: &generator)
            case 1: bytes[place] ^= 1 << Int.random(in: 0..<8, using: &generator)
            case 2: bytes.removeSubrange(place..<end)
            case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
            default: bytes.removeSubrange(place...)
            }
        }
        return bytes
    }
}
