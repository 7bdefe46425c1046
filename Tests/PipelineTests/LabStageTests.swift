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
