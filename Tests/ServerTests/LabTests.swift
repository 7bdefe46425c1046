// SPDX-License-Identifier: Apache-2.0
// ask_head and jobs: answers, what is stored of them, and what cannot be answered.

import Foundation
import Server
import TestSupport
import Testing

@Suite struct LabTests {
    private static let sweep =
        #"{"question":"sweep","layer":1,"head":3,"prompt":"cat dog sun moon {cat|dog}","query":"{}","key":1,"context":{}}"#

    private func tree(_ site: TestSite, _ path: String) throws -> [String: Any] {
        try object([UInt8](Data(contentsOf: site.data.appending(path: path))))
    }

    @Test func `An answer is stored, listed and found again`() async throws {
        try await routing { client, site in
            let answer = try await client.answer("ask_head", Self.sweep)
            let id = try #require(answer["id"] as? String)
            let rows = try #require(
                (answer["answer"] as? [String: Any])?["rows"] as? [[String: Any]])
            #expect(rows.map { $0["value"] as? String } == ["cat", "dog"])
            let question = try #require(answer["question"] as? [String: Any])
            #expect(question["question"] as? String == "sweep")
            #expect(question["context"] == nil)
            let stored = try Data(contentsOf: site.data.appending(path: "lab/\(id).json"))
            let again = try await client.post("ask_head", Self.sweep)
            #expect(again.bytes == [UInt8](stored))
            let answers = try #require(
                try tree(site, "lab/manifest.json")["answers"] as? [[String: Any]])
            #expect(answers.count == 1)
            #expect(answers[0]["id"] as? String == id && answers[0]["layer"] as? Int == 1)
            #expect(answers[0]["about"] as? String == "cat dog sun moon {cat|dog}")
        }
    }

    @Test func `Questions are about corpus sequences and custom ones too`() async throws {
        try await routing { client, _ in
            let corpus = try await client.answer(
                "ask_head",
                #"{"question":"sources","layer":1,"head":2,"prompt":{"sequence":3},"query":9,"key":4}"#
            )
            let sides = try #require(corpus["answer"] as? [String: Any])
            for side in ["query_side", "key_side"] {
                let total = try #require((sides[side] as? [String: Any])?["total"] as? Double)
                #expect(abs(total - (try #require(sides["score"] as? Double))) < 1e-3)
            }
            let added = try await client.answer(
                "add_custom_sequence", #"{"layer":1,"head":2,"text":"cat dog sun cat"}"#)
            let id = try #require(added["sequence_id"] as? String)
            let rank = try await client.answer(
                "ask_head",
                #"{"question":"rank","layer":1,"head":2,"prompt":{"sequence":"\#(id)"},"queries":[3],"keys":[1]}"#
            )
            let heads = try #require(
                (rank["answer"] as? [String: Any])?["heads"] as? [[String: Any]])
            #expect(heads.count == 8)
        }
    }

    @Test(arguments: [
        (#"{"question":"why"}"#, "must be one of"),
        (
            #"{"question":"sweep","layer":1,"head":3,"prompt":"cat","query":0,"key":0}"#,
            "has no slot"
        ),
        (
            #"{"question":"sweep","layer":1,"head":3,"prompt":"cat {dog|sun}","query":"Paris","key":0}"#,
            "'Paris' is not in this prompt; its tokens are 'cat' 'dog'"
        ),
        (
            #"{"question":"sweep","layer":9,"head":3,"prompt":"{dog|sun}","query":0,"key":0}"#,
            "no head L9H3"
        ),
        (
            #"{"question":"sources","layer":1,"head":3,"prompt":{"sequence":99999},"query":0,"key":0}"#,
            "no sequence 99999"
        ),
        (
            #"{"question":"sources","layer":1,"head":3,"prompt":{"sequence":"../x"},"query":0,"key":0}"#,
            "neither the number"
        ),
        (
            #"{"question":"sweep","layer":1,"head":3,"prompt":"{1..4000}","query":0,"key":0}"#,
            "start_lab_job"
        ),
        (
            #"{"question":"sources","layer":1,"head":3,"prompt":"cat dog","query":0,"key":1}"#,
            "does not see"
        ),
    ])
    func `What cannot be answered is told`(body: String, detail: String) async throws {
        try await routing { client, site in
            let answer = try await client.post("ask_head", body)
            #expect(answer.status == .unprocessableContent)
            #expect(answer.detail?.contains(detail) == true, "\(answer.detail ?? "")")
            #expect(
                !FileManager.default.fileExists(
                    atPath: site.data.appending(path: "lab/manifest.json").path))
        }
    }

    @Test func `After kill -9 a job goes on with the prompts that are left`() async throws {
        try await TestSite.with { site in
            let words = String(repeating: "cat dog sun ", count: 12)
            // No two are the same.
            let codes = (0..<9000).map { i in
                (0..<14).map { i >> $0 & 1 == 0 ? "cat" : "dog" }.joined(separator: " ")
            }
            let list = codes.map { "\"\($0)\"" }.joined(separator: ",")
            let body =
                #"{"questions":[{"question":"test","layer":1,"head":3,"resamples":10000,"lists":{"n":[\#(list)]},"#
                + #""prompts":[{"text":"\#(words){n}","query":-1,"a":7,"b":3}]}]}"#
            func state(_ server: ServerProcess, _ job: String) throws -> [String: Any] {
                try object(try server.post("lab_job", #"{"job":"\#(job)"}"#).body)
            }
            func begin(_ server: ServerProcess) throws -> String {
                try #require(
                    object(try server.post("start_lab_job", body).body)["job"] as? String)
            }
            func prompts(_ state: [String: Any]) -> Int { (state["prompts"] as? [Int])?[0] ?? 0 }

            let first = try ServerProcess(site, arguments: ["--quiet"])
            var job = try begin(first)
            var done = 0
            while done < 1000 {
                let now = try state(first, job)
                try #require(now["state"] as? String == "running", "the job must be long enough")
                done = max(done, prompts(now))
                usleep(1000)
            }
            first.killNow()

            let second = try ServerProcess(site, arguments: ["--quiet"])
            defer { second.killNow() }
            #expect(try second.post("lab_job", #"{"job":"\#(job)"}"#).status == 404)
            job = try begin(second)
            var now = try state(second, job)
            while now["state"] as? String == "running" {
                usleep(20_000)
                now = try state(second, job)
            }
            let kept = try #require(now["kept"] as? Int)
            // What was told to be done is not run anew.
            #expect(kept >= done, "\(kept) of \(done)")
            let id = try #require((now["answers"] as? [String])?.first)
            let answer = try site.read("lab/\(id).json")
            let names = try FileManager.default.contentsOfDirectory(
                atPath: site.data.appending(path: "lab").path)
            #expect(names.sorted() == ["\(id).json", "manifest.json"])

            // The same bytes as without a break.
            try FileManager.default.removeItem(at: site.data.appending(path: "lab"))
            job = try begin(second)
            repeat {
                usleep(20_000)
                now = try state(second, job)
            } while now["state"] as? String == "running"
            #expect(now["kept"] as? Int == 0)
            #expect(try site.read("lab/\(id).json") == answer)
        }
    }

    @Test func `A job answers its questions, tells of failures, and is cancelled`() async throws {
        try await routing { client, site in
            let body = """
                {"questions": [\(Self.sweep),
                 {"question":"sweep","layer":1,"head":3,"prompt":"cat","query":0,"key":0},
                 {"question":"rank","prompt":"cat dog cat","queries":[-1],"keys":[1]}]}
                """
            let started = try await client.answer("start_lab_job", body)
            let job = try #require(started["job"] as? String)
            #expect(started["total"] as? Int == 3)
            var state: [String: Any] = started
            for _ in 0..<600 where state["state"] as? String == "running" {
                try await Task.sleep(for: .milliseconds(50))
                state = try await client.answer("lab_job", #"{"job":"\#(job)"}"#)
            }
            #expect(state["state"] as? String == "done" && state["done"] as? Int == 3)
            let answers = try #require(state["answers"] as? [Any])
            for i in [0, 2] {
                let id = try #require(answers[i] as? String)
                #expect(try tree(site, "lab/\(id).json")["id"] as? String == id)
            }
            let failures = try #require(state["failures"] as? [[String: Any]])
            #expect(failures.map { $0["question"] as? Int } == [1])
            let listed = try #require(
                try tree(site, "lab/manifest.json")["answers"] as? [[String: Any]])
            #expect(listed.count == 2)

            let prompts = (0..<4000).map { i in
                #"{"text":"cat dog sun moon cat","query":-1,"a":1,"b":\#(i % 3)}"#
            }.joined(separator: ",")
            let long = try await client.answer(
                "start_lab_job",
                #"{"questions":[{"question":"test","layer":1,"head":3,"prompts":[\#(prompts)]}]}"#)
            let other = try #require(long["job"] as? String)
            state = try await client.answer("cancel_lab_job", #"{"job":"\#(other)"}"#)
            for _ in 0..<600 where state["state"] as? String == "running" {
                try await Task.sleep(for: .milliseconds(50))
                state = try await client.answer("lab_job", #"{"job":"\#(other)"}"#)
            }
            #expect(state["state"] as? String == "cancelled")
            #expect(try await client.post("lab_job", #"{"job":"j99"}"#).status == .notFound)
        }
    }
}
