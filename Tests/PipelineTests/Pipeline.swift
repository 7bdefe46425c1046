// SPDX-License-Identifier: Apache-2.0
// The stages run one after the other on a tiny model, as make runs them.

import Foundation
import TestSupport
import Testing

/// A folder with a corpus, work files and a tree.
struct Pipeline {
    let folder: URL
    var model = Fixtures.url("models/induction-gpt2").path
    var corpus: URL { folder.appending(path: "corpus.txt") }
    var data: URL { folder.appending(path: "data") }
    func work(_ name: String) -> String { folder.appending(path: "work/\(name).h5").path }

    /// The texts of the induction model's test sequences: its tokenizer splits at spaces.
    static func inductionTexts() throws -> [String] {
        struct Vocabulary: Decodable {
            struct Model: Decodable { let vocab: [String: Int] }
            let model: Model
        }
        let fixture = Fixtures.url("models/induction-gpt2")
        let vocabulary = try JSONDecoder().decode(
            Vocabulary.self, from: Data(contentsOf: fixture.appending(path: "tokenizer.json")))
        let words = Dictionary(uniqueKeysWithValues: vocabulary.model.vocab.map { ($1, $0) })
        let sequences = try JSONSerialization.jsonObject(
            with: Data(contentsOf: fixture.appending(path: "test_sequences.json")))
        let lists = (sequences as? [[Int]]) ?? (sequences as? [String: [[Int]]])?.values.first ?? []
        return lists.map { $0.compactMap { words[$0] }.joined(separator: " ") }
    }

    func writeCorpus(_ texts: [String]) throws {
        try Data(texts.joined(separator: "\n").utf8).write(to: corpus)
    }

    @discardableResult
    func scan(_ options: [String] = []) throws -> ProgramResult {
        try TestSupport.run(
            "stage-scan",
            [
                "run", "--model", model, "--corpus", corpus.path, "--output", work("scan"),
                "--seq-len", "128", "--points", "300",
            ] + options)
    }

    /// Runs what comes after the scan.
    func finish(project: Bool = true) throws {
        var emit = [
            "--scan", work("scan"), "--metrics", work("metrics"), "--sample", work("sample"),
            "--data", data.path,
        ]
        try succeed("stage-metrics", ["--scan", work("scan"), "--output", work("metrics")])
        try succeed("stage-sample", ["--scan", work("scan"), "--output", work("sample")])
        if project {
            try succeed(
                "stage-project",
                ["--scan", work("scan"), "--points", "200", "--output", work("project")])
            emit += ["--project", work("project")]
        }
        try succeed("stage-weights", ["--model", model, "--output", work("weights")])
        try succeed(
            "stage-writes", ["--model", model, "--scan", work("scan"), "--output", work("writes")])
        emit += ["--weights", work("weights"), "--writes", work("writes")]
        try succeed("stage-emit", emit)
    }

    func succeed(_ program: String, _ arguments: [String]) throws {
        let result = try TestSupport.run(program, arguments)
        try #require(result.status == 0, "\(program): \(result.errors)")
    }

    func json(_ path: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(contentsOf: data.appending(path: path)))
    }

    /// Every file of the tree with its bytes.
    func files() throws -> [String: Data] {
        var files: [String: Data] = [:]
        let names = FileManager.default.enumerator(atPath: data.path)?.allObjects ?? []
        for case let name as String in names {
            let url = data.appending(path: name)
            if let bytes = try? Data(contentsOf: url) { files[name] = bytes }
        }
        return files
    }
}

/// Runs `body` with an empty pipeline folder and the induction model's texts as its corpus.
func withPipeline(_ body: (Pipeline) throws -> Void) throws {
    try withTemporaryFolder { folder in
        let pipeline = Pipeline(folder: folder)
        try pipeline.writeCorpus(try Pipeline.inductionTexts())
        try body(pipeline)
    }
}
