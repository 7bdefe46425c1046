// SPDX-License-Identifier: Apache-2.0
// stage-lab: a file of questions becomes lab.h5, and stage-emit puts the answers into the tree.

import Foundation
import TestSupport
import Testing
import WorkFiles

@Suite(.serialized) struct LabStageTests {
    private static let lines = """
        {"question": "rank", "prompt": {"sequence": 2}, "queries": [9], "keys": [8]}

        {"question": "sweep", "layer": 1, "head": 0, "prompt": "cat dog {cat|sun}", "query": "{}", "key": 1}
        {"question": "rank", "prompt": {"sequence": 2}, "queries": [9], "keys": [8]}
        """

    private func ask(
        _ pipeline: Pipeline, _ lines: String, _ options: [String] = []
    ) throws -> ProgramResult {
        let file = pipeline.folder.appending(path: "questions.jsonl")
        try Data(lines.utf8).write(to: file)
        return try run(
            "stage-lab",
            [
                "--model", pipeline.model, "--questions", file.path, "--scan",
                pipeline.work("scan"), "--no-bos", "--output", pipeline.work("lab"),
            ] + options)
    }

    @Test func `answers reach the tree, and stay when they are not asked again`() throws {
        try withPipeline { pipeline in
            #expect(try pipeline.scan(["--no-bos"]).status == 0)
            try pipeline.finish(project: false)
            #expect(try ask(pipeline, Self.lines).status == 0)
            let file = try LabFile(pipeline.work("lab"))
            #expect(file.answers.count == 2)
            #expect(file.answers.map(\.about) == ["sequence 2", "cat dog {cat|sun}"])

            // What is answered is kept to the byte, and the new question is answered.
            let more =
                Self.lines + "\n"
                + #"{"question": "writes", "layer": 1, "head": 0, "prompt": "cat dog sun", "query": -1}"#
            #expect(try ask(pipeline, more).status == 0)
            let after = try LabFile(pipeline.work("lab"))
            #expect(Array(after.answers.prefix(2)) == file.answers && after.answers.count == 3)

            let emit = [
                "--scan", pipeline.work("scan"), "--metrics", pipeline.work("metrics"),
                "--sample", pipeline.work("sample"), "--data", pipeline.data.path,
            ]
            try pipeline.succeed("stage-emit", emit + ["--lab", pipeline.work("lab")])
            let listed = try #require(
                (try pipeline.json("lab/manifest.json") as? [String: Any])?["answers"]
                    as? [[String: Any]])
            #expect(listed.count == 3)
            for entry in listed {
                let id = try #require(entry["id"] as? String)
                let stored = try #require(try pipeline.json("lab/\(id).json") as? [String: Any])
                #expect(stored["id"] as? String == id)
                #expect(
                    (stored["question"] as? [String: Any])?["question"] as? String
                        == entry["question"] as? String)
                #expect(stored["answer"] is [String: Any])
            }
            // The next emit of the same scan keeps them; one of another corpus only what names none of it.
            try pipeline.succeed("stage-emit", emit)
            #expect(try pipeline.json("lab/\(try #require(listed[0]["id"])).json") is [String: Any])
        }
    }

    @Test func `a run that was killed goes on with the prompts and answers that are missing`()
        throws
    {
        try withPipeline { pipeline in
            #expect(try pipeline.scan(["--no-bos"]).status == 0)
            let words = String(repeating: "cat dog sun ", count: 25)
            // No two are the same.
            let prompts = (0..<9000).map { i in
                let code = (0..<14).map { i >> $0 & 1 == 0 ? "cat" : "dog" }
                return
                    #"{"text": "\#(words)\#(code.joined(separator: " "))", "query": -1, "a": \#(i % 60), "b": 0}"#
            }
            let lines =
                Self.lines + "\n"
                + #"{"question": "test", "layer": 1, "head": 2, "resamples": 100, "prompts": [\#(prompts.joined(separator: ", "))]}"#
            let file = pipeline.folder.appending(path: "questions.jsonl")
            try Data(lines.utf8).write(to: file)
            let process = Process()
            process.executableURL = programFolder.appending(path: "stage-lab")
            process.arguments = [
                "--model", pipeline.model, "--questions", file.path, "--scan",
                pipeline.work("scan"), "--no-bos", "--output", pipeline.work("lab"),
            ]
            process.standardError = FileHandle.nullDevice
            try process.run()
            let progress = pipeline.work("lab") + ".progress"
            func size() -> Int { (try? Data(contentsOf: URL(filePath: progress)).count) ?? 0 }
            // A third of the prompts, whatever the answers of the other questions take.
            while process.isRunning, size() < 150_000 { usleep(500) }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            #expect(!FileManager.default.fileExists(atPath: pipeline.work("lab")))

            let second = try ask(pipeline, lines)
            #expect(second.status == 0, "\(second.errors)")
            let told = try #require(
                second.errors.firstMatch(of: /lab: (\d+) answers and (\d+) prompts are known/))
            let kept = try #require(Int(told.2))
            #expect(told.1 == "2" && kept >= 256, "\(told.0)")
            #expect(!FileManager.default.fileExists(atPath: progress))
            let resumed = try LabFile(pipeline.work("lab"))
            try FileManager.default.removeItem(atPath: pipeline.work("lab"))
            #expect(try ask(pipeline, lines).status == 0)
            #expect(try LabFile(pipeline.work("lab")) == resumed)
        }
    }

    @Test func `another dictionary, or another corpus, makes answers stale`() throws {
        try withPipeline { pipeline in
            #expect(try pipeline.scan(["--no-bos"]).status == 0)
            let folders = try ["1", "2"].map { seed in
                let folder = pipeline.folder.appending(path: "dictionaries-\(seed)").path
                try pipeline.succeed(
                    "stage-dictionary",
                    [
                        "train", "--model", pipeline.model, "--corpus", pipeline.corpus.path,
                        "--seq-len", "64", "--layers", "1", "--features-per-dimension", "4", "--k",
                        "8", "--steps", "60", "--seed", seed, "--output-folder", folder,
                    ])
                return folder
            }
            let lines =
                #"{"question": "virtual", "layer": 1, "head": 2, "feature": 3, "circuit": "query"}"#
                + "\n" + #"{"question": "rank", "prompt": "cat dog", "queries": [1], "keys": [0]}"#
                + "\n"
                + #"{"question": "rank", "prompt": {"sequence": 2}, "queries": [1], "keys": [0]}"#
            func answers(_ folder: String) throws -> (LabFile, told: String) {
                let result = try ask(pipeline, lines, ["--dictionaries", folder])
                #expect(result.status == 0, "\(result.errors)")
                return (try LabFile(pipeline.work("lab")), result.errors)
            }
            let first = try answers(folders[0]).0
            let again = try answers(folders[0])
            #expect(again.0 == first && again.told.contains("3 answers"))
            let other = try answers(folders[1])
            #expect(other.told.contains("2 answers"))
            #expect(other.0.answers[0].id != first.answers[0].id)
            #expect(other.0.answers[0].answer != first.answers[0].answer)
            #expect(Array(other.0.answers.dropFirst()) == Array(first.answers.dropFirst()))

            // Sequence 2 is another one in the corpus turned around.
            try pipeline.writeCorpus(try Pipeline.inductionTexts().reversed())
            #expect(try pipeline.scan(["--no-bos"]).status == 0)
            let turned = try answers(folders[1])
            #expect(turned.told.contains("2 answers"))
            #expect(turned.0.answers[2].id != first.answers[2].id)
            #expect(Array(turned.0.answers.prefix(2)) == Array(other.0.answers.prefix(2)))
        }
    }

    @Test func `a wrong line is told with its number, and nothing is written`() throws {
        try withPipeline { pipeline in
            #expect(try pipeline.scan(["--no-bos"]).status == 0)
            for (lines, expected) in [
                ("{\"question\": \"why\"}", "line 1: question must be one of"),
                (Self.lines + "\n{", "line 5"), ("\n", "holds no question"),
                (
                    #"{"question": "rank", "prompt": {"sequence": 777777}, "queries": [0], "keys": [0]}"#,
                    "question 1: there is no sequence 777777"
                ),
            ] {
                let result = try ask(pipeline, lines)
                #expect(result.status != 0)
                #expect(result.errors.contains(expected), "\(result.errors)")
                #expect(!FileManager.default.fileExists(atPath: pipeline.work("lab")))
            }
        }
    }
}
