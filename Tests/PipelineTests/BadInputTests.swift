// SPDX-License-Identifier: Apache-2.0
// Every wrong input ends in one sentence and a non-zero exit, with earlier results untouched.

import Foundation
import TestSupport
import Testing

@Suite struct BadInputTests {
    @Test(arguments: [
        (["--layers", "7"], "layers 0 to 1"),
        (["--layers", "x"], "there is no layer"),
        (["--heads", "1.9"], "heads 0 to 3"),
        (["--heads", "abc"], "written like 5.1"),
        (["--seq-len", "1"], "--seq-len must be from 2"),
        (["--seq-len", "129"], "lower SEQ_LEN"),
        (["--samples-per-interval", "0"], "--samples-per-interval must be from 1"),
        (["--model", "/no/such/model"], "there is no such model"),
        (["--corpus", "/no/such/corpus.txt"], "/no/such/corpus.txt"),
        (["--output", "/proc/no/scan.h5"], "/proc/no"),
    ])
    func `wrong parameters are named`(options: [String], words: String) throws {
        try withPipeline { pipeline in
            // 129 tokens fill a sequence of 129.
            try pipeline.writeCorpus([String(repeating: "cat ", count: 200)])
            let result = try pipeline.scan(options)
            #expect(result.status > 0)
            #expect(result.errors.contains(words), "\(result.errors)")
        }
    }

    @Test func `a corpus without text is an error`() throws {
        try withPipeline { pipeline in
            try Data("\n \n\n".utf8).write(to: pipeline.corpus)
            let result = try pipeline.scan()
            #expect(result.status > 0)
            #expect(!FileManager.default.fileExists(atPath: pipeline.work("scan")))
        }
    }

    @Test func `NaN weights are found and named`() throws {
        try withPipeline { pipeline in
            var broken = pipeline
            let folder = pipeline.folder.appending(path: "model")
            try FileManager.default.copyItem(
                at: Fixtures.url("models/induction-gpt2"), to: folder)
            let weights = folder.appending(path: "model.safetensors")
            var bytes = try Data(contentsOf: weights)
            let header = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            let json = try #require(
                try JSONSerialization.jsonObject(with: bytes[8..<8 + header])
                    as? [String: [String: Any]])
            let tensor = try #require(json["transformer.h.0.attn.c_attn.weight"])
            let start = try #require((tensor["data_offsets"] as? [Int])?.first)
            bytes.replaceSubrange(
                8 + header + start..<8 + header + start + 4, with: [0, 0, 0xC0, 0x7F])
            try bytes.write(to: weights)
            broken.model = folder.path
            let result = try broken.scan()
            #expect(result.status > 0)
            #expect(result.errors.contains("c_attn.weight holds NaN"), "\(result.errors)")
        }
    }

    @Test func `damaged work files are refused by every stage that reads them`() throws {
        try withPipeline { pipeline in
            #expect(try pipeline.scan(["--layers", "0"]).status == 0)
            try pipeline.finish()
            let before = try pipeline.files()
            let whole = try Data(contentsOf: URL(filePath: pipeline.work("scan")))
            for cut in [0, 100, whole.count / 3, whole.count - 5000] {
                try whole.prefix(cut).write(to: URL(filePath: pipeline.work("scan")))
                for (stage, output) in [
                    ("stage-metrics", "m"), ("stage-sample", "s"), ("stage-project", "p"),
                ] {
                    let result = try TestSupport.run(
                        stage,
                        ["--scan", pipeline.work("scan"), "--output", pipeline.work(output)])
                    #expect(result.status > 0, "\(stage) on \(cut) bytes")
                    #expect(!FileManager.default.fileExists(atPath: pipeline.work(output)))
                }
            }
            #expect(try pipeline.files() == before)
        }
    }

    @Test func `every program explains itself`() throws {
        for program in [
            "stage-scan", "stage-metrics", "stage-sample", "stage-project", "stage-weights",
            "stage-writes", "stage-emit",
        ] {
            let result = try TestSupport.run(program, ["--help"])
            #expect(result.status == 0)
            #expect(result.output.contains("OVERVIEW:"))
        }
    }

    @Test func `tokenize prints ids and display strings a line`() throws {
        let result = try TestSupport.run(
            "stage-scan", ["tokenize", "--model", Fixtures.url("models/gpt2").path],
            input: "The cat\n\n")
        #expect(result.status == 0)
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 2 && lines[1] == #"{"ids":[],"tokens":[]}"#)
    }
}
