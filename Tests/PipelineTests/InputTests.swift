// SPDX-License-Identifier: Apache-2.0
// What the programs take as input, and what they refuse to write over.

import Foundation
import TestSupport
import Testing

@Suite struct InputTests {
    private struct Row: Decodable {
        let text: String
        let ids: [Int]
    }

    @Test func `a file of the model is no output`() throws {
        try withPipeline { pipeline in
            let model = pipeline.folder.appending(path: "model")
            try FileManager.default.copyItem(atPath: pipeline.model, toPath: model.path)
            let weights = model.appending(path: "model.safetensors")
            let before = try Data(contentsOf: weights)
            for command in [
                ["stage-scan", "run", "--corpus", pipeline.corpus.path], ["stage-weights"],
                ["stage-probe"],
            ] {
                let result = try TestSupport.run(
                    command[0],
                    command.dropFirst() + ["--model", model.path, "--output", weights.path])
                #expect(result.status > 0 && result.errors.contains("one of the stage's inputs"))
                #expect(try Data(contentsOf: weights) == before)
            }
        }
    }

    /// The character map that SentencePiece applies is in the metadata.
    @Test func `a GGUF's character map is applied`() throws {
        let folder = Fixtures.url("cases/tokenizers/xlmr_gguf")
        let rows = try JSONDecoder().decode(
            [Row].self, from: try Data(contentsOf: folder.appending(path: "tokenization.json")))
        // The folder has one GGUF file, which stands for the folder.
        for model in [folder.path, folder.appending(path: "model.gguf").path] {
            let result = try run(
                "stage-scan", ["tokenize", "--model", model],
                input: rows.map(\.text).joined(separator: "\n") + "\n")
            #expect(result.status == 0)
            let ids = try result.output.split(separator: "\n").map {
                try JSONDecoder().decode(Ids.self, from: Data($0.utf8)).ids
            }
            #expect(ids == rows.map(\.ids))
        }
    }

    private struct Ids: Decodable { let ids: [Int] }

    @Test(arguments: ["stage-metrics", "stage-sample", "stage-project"])
    func `a stage does not write over its input`(stage: String) throws {
        try withTemporaryFolder { folder in
            let scan = folder.appending(path: "scan.h5")
            let link = folder.appending(path: "other.h5")
            try Data("precious".utf8).write(to: scan)
            try FileManager.default.createSymbolicLink(at: link, withDestinationURL: scan)
            for output in [scan.path, link.path] {
                let result = try run(stage, ["--scan", scan.path, "--output", output])
                #expect(result.status != 0)
                #expect(result.errors.contains("inputs"))
                #expect(try Data(contentsOf: scan) == Data("precious".utf8))
            }
        }
    }
}
