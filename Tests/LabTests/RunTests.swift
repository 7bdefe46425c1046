// SPDX-License-Identifier: Apache-2.0
// Questions that are answered together, and runs that end in the middle.

import Foundation
import Lab
import TestSupport
import Testing
import UserErrors

@Suite struct RunTests {
    private static let ids: [[Int32]] = [
        (0..<14).map { 5 + 3 * $0 }, (0..<11).map { 150 - 7 * $0 }, (0..<30).map { 3 + $0 },
    ]
    private static let sequences = ["0": ids[0], "1": ids[1], "2": ids[2]]

    private func questions(_ lines: [String]) throws -> [Question] {
        try lines.map { try Question(json: Array($0.utf8)) }
    }

    /// The answers of a run to its end.
    private func answers(_ run: LabRun) throws -> [Int: Result<[UInt8], any Error>] {
        var answers: [Int: Result<[UInt8], any Error>] = [:]
        while let outcomes = try run.next() {
            for outcome in outcomes {
                #expect(answers[outcome.question] == nil)
                answers[outcome.question] = outcome.answer
            }
        }
        return answers
    }

    @Test(arguments: ["llama", "gpt2", "gemma2", "gpt_neox"])
    func `each answer is to the byte what its question gets by itself`(model: String) throws {
        let lab = try laboratory(model, sequences: Self.sequences)
        let last = lab.loaded.model.description.nLayers - 1
        var lines: [String] = []
        for (layer, head) in [(last, 1), (0, 0), (last, 0)] {
            let about = #""layer": \#(layer), "head": \#(head), "prompt": {"sequence": 0}"#
            lines += [
                #"{"question": "rank", "prompt": {"sequence": 2}, "queries": [9, 20], "keys": [3, 8]}"#,
                #"{"question": "sources", \#(about), "query": 9, "key": 4}"#,
                #"{"question": "writes", \#(about), "query": 5}"#,
                #"{"question": "swap", \#(about), "query": 12, "key": 7, "other": {"prompt": {"sequence": 1}, "query": 9, "key": 5}}"#,
                #"{"question": "geometry", "layer": \#(layer), "head": \#(head), "offset": 2, "queries": [{"prompt": {"sequence": 0}, "mark": 3}, {"prompt": {"sequence": 1}, "mark": 8}], "keys": [{"prompt": {"sequence": 2}, "mark": -1}]}"#,
                #"{"question": "sources", \#(about), "query": 99, "key": 4}"#,
            ]
        }
        let asked = try questions(lines)
        let together = LabRun(asked, in: lab)
        let found = try answers(together)
        #expect(found.count == asked.count && together.done == together.prompts)
        for (i, question) in asked.enumerated() {
            // Another laboratory, so that nothing of the shared passes is left.
            let alone = Result {
                try question.answer(in: laboratory(model, workers: 1, sequences: Self.sequences))
            }
            switch (try #require(found[i]), alone) {
            case (.success(let a), .success(let b)): #expect(a == b, "\(lines[i])")
            case (.failure(let a), .failure(let b)): #expect("\(a)" == "\(b)")
            default: Issue.record("\(lines[i])")
            }
        }
    }

    @Test func `groups are small questions together and large ones alone`() throws {
        let small = #"{"question": "rank", "prompt": "a", "queries": [0], "keys": [0]}"#
        let sweep =
            #"{"question": "sweep", "layer": 0, "head": 0, "prompt": "{1..700}", "query": 0, "key": 0}"#
        let asked = try questions([small, small, sweep, small])
        #expect(Question.groups(asked) == [0..<2, 2..<3, 3..<4])
        #expect(Question.groups([]) == [])
        #expect(
            Question.groups(Array(repeating: asked[0], count: 1200)) == [
                0..<512, 512..<1024, 1024..<1200,
            ])
    }

    // MARK: Progress

    /// A test of 600 prompts, which take three batches.
    private func long() throws -> Question {
        let prompts = (0..<600).map {
            #"{"text": "the men said that no \#($0) men", "query": -1, "a": 1, "b": \#($0 % 3)}"#
        }
        return try Question(
            json: Array(
                #"{"question": "test", "layer": 1, "head": 3, "resamples": 200, "prompts": [\#(prompts.joined(separator: ", "))]}"#
                    .utf8))
    }

    @Test func `a run that was ended goes on with the prompts that are left`() throws {
        try withTemporaryFolder { folder in
            let lab = try laboratory("llama")
            let question = try long()
            let whole = try question.answer(in: lab)
            let url = folder.appending(path: "lab/.x.progress")
            func begin() throws -> (LabRun, ProgressFile) {
                let file = try ProgressFile(url, about: "a")
                return (LabRun([question], in: lab, progress: file), file)
            }
            do {
                let (run, _) = try begin()
                #expect(run.kept == 0 && run.prompts == 600)
                #expect(try run.next()?.isEmpty == true)
                #expect(run.done == 256)
                // One writer at a time.
                #expect(throws: UserError.self) { try ProgressFile(url, about: "a") }
            }
            let bytes = try Data(contentsOf: url)
            // Wherever it ends, and whatever byte of it is wrong, what is whole before is used.
            for change in 0..<40 {
                var damaged = bytes
                if change % 2 == 0 {
                    damaged = bytes.prefix(bytes.count * change / 40)
                } else {
                    damaged[bytes.count * change / 40] ^= 0x10
                }
                try damaged.write(to: url)
                let (run, file) = try begin()
                #expect(run.kept <= 256 && run.kept * 40 <= 256 * (change + 1))
                #expect(run.kept > 0 || change < 3)
                if change % 13 == 0 {
                    #expect(try answers(run)[0]?.get() == whole)
                    #expect(run.done == 600)
                }
                file.remove()
            }
            try bytes.write(to: url)
            #expect(try ProgressFile(url, about: "another model").prompts == 0)
            try bytes.write(to: url)
            let (run, file) = try begin()
            #expect(run.kept == 256)
            #expect(try answers(run)[0]?.get() == whole)
            file.remove()
            #expect(!FileManager.default.fileExists(atPath: url.path))
        }
    }

    @Test func `a progress file holds answers too, and no more than it may`() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "x.progress")
            let answer = Array(#"{"rows":[]}"#.utf8)
            do {
                let file = try ProgressFile(url, about: "a", limit: 400)
                #expect(!FileManager.default.fileExists(atPath: url.path))
                for i in 0..<20 {
                    try file.note(answers: [(String(repeating: "\(i % 10)", count: 16), answer)])
                }
            }
            let size = try Data(contentsOf: url).count
            #expect(size <= 400 && size > 300)
            let file = try ProgressFile(url, about: "a", limit: 400)
            #expect(file.answers["0000000000000000"] == answer)
            #expect(file.answers.count > 3 && file.prompts == 0)
        }
    }
}
