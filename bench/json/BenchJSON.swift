// SPDX-License-Identifier: Apache-2.0
// How fast JSON is read where there is much of it: corpora of JSON lines and tokenizer.json, against Foundation's
// parser in the same run.

import ArgumentParser
import Corpora
import Foundation
import Tokenizers

@main
struct BenchJSON: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-json",
        abstract: "Times the reading of JSON lines and of a tokenizer.json.",
        discussion: """
            Corpora: documents of about 2,000 characters that need no escapes, ones with many, and \
            short ones among much else. The tokenizer: byte-level BPE of made-up words. Each is \
            read several times and the fastest counts; the ratio is to JSONSerialization's time \
            for the same bytes.
            """)

    @Option(help: "Megabytes of each corpus.")
    var megabytes = 32

    @Option(help: "Tokens of the vocabulary.")
    var tokens = 64_000

    @Option(help: "Times that each is read.")
    var repeats = 7

    func run() throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "bench-json-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, line) in Self.documents {
            let count = megabytes << 20 / (line.utf8.count + 1)
            let data = Data(String(repeating: line + "\n", count: count).utf8)
            let file = folder.appending(path: "corpus.jsonl")
            try data.write(to: file)
            let ours = try fastest { try Self.read(file) == count }
            let theirs = try fastest { try Self.parse(lines: data) == count }
            Self.report("JSON lines, \(name)", data.count, ours, theirs)
        }
        let data = Self.tokenizer(tokens)
        try data.write(to: folder.appending(path: "tokenizer.json"))
        let ours = try fastest { try Tokenizer(folder: folder).vocabularySize == tokens }
        let theirs = try fastest { try JSONSerialization.jsonObject(with: data) is [String: Any] }
        Self.report("tokenizer.json, with the tokenizer made", data.count, ours, theirs)
    }

    /// The shortest time of `body`, in seconds.
    private func fastest(_ body: () throws -> Bool) throws -> Double {
        var best = Double.infinity
        for _ in 0..<repeats {
            let start = ContinuousClock.now
            guard try body() else {
                throw ValidationError("What was read is not what was written.")
            }
            best = min(best, (ContinuousClock.now - start) / .seconds(1))
        }
        return best
    }

    private static func report(_ name: String, _ bytes: Int, _ ours: Double, _ theirs: Double) {
        print(
            String(
                format: "%@: %.0f MB/s, %.2f of Foundation's time", name,
                Double(bytes) / ours / 1e6, ours / theirs))
    }

    // MARK: Corpora

    private static let documents: [(name: String, line: String)] = {
        let plain = String(repeating: "Some words of a text, as long as a sentence is. ", count: 40)
        let escaped = String(
            repeating: #"He said \"no\".\nThen caf\u00e9s \ud83d\ude00 closed. "#, count: 40)
        let others = (0..<30).map { #""key_\#($0)":{"a":[1,-2.5e3,true,null],"b":"short"}"# }
        return [
            ("plain", #"{"id":12,"text":"\#(plain)","lang":"en"}"#),
            ("escaped", #"{"id":12,"text":"\#(escaped)","lang":"en"}"#),
            ("much else", #"{\#(others.joined(separator: ",")),"text":"a few words"}"#),
        ]
    }()

    private static func read(_ file: URL) throws -> Int {
        let reader = try CorpusReader(paths: [file.path], options: CorpusOptions())
        while try reader.next() != nil {}
        return reader.report.documents
    }

    private static func parse(lines: Data) throws -> Int {
        try lines.split(separator: UInt8(ascii: "\n")).count { line in
            (try JSONSerialization.jsonObject(with: line) as? [String: Any])?["text"] is String
        }
    }

    // MARK: Tokenizer

    /// A tokenizer.json whose merges make up words of the tokens before them.
    private static func tokenizer(_ count: Int) -> Data {
        var tokens = (UInt8(ascii: "!")...UInt8(ascii: "~")).map { String(Unicode.Scalar($0)) }
        var seen = Set(tokens)
        var merges: [[String]] = []
        var state: UInt64 = 1
        while tokens.count < count {
            let pair = [0, 1].map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return tokens[Int(state >> 33) % tokens.count]
            }
            let token = pair.joined()
            guard token.utf8.count <= 12, seen.insert(token).inserted else { continue }
            tokens.append(token)
            merges.append(pair)
        }
        let vocabulary = Dictionary(uniqueKeysWithValues: zip(tokens, tokens.indices))
        let model: [String: Any] = ["type": "BPE", "vocab": vocabulary, "merges": merges]
        return (try? JSONSerialization.data(withJSONObject: ["model": model])) ?? Data()
    }
}
