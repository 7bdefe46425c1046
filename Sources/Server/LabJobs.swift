// SPDX-License-Identifier: Apache-2.0
// Jobs of many questions: how far they are, and how they are ended.

import DataTree
import Foundation
import JSON
import Lab
import Synchronization

/// A job that runs or has run.
final class LabJob: Sendable {
    private struct State {
        var name = "running"
        /// By question: the id of its answer.
        var answers: [String?]
        var failures: [(question: Int, detail: String)] = []
        /// Prompts of the questions that are being answered.
        var prompts: (done: Int, total: Int) = (0, 0)
        /// Prompts that were known from before: of the questions that are done, and of those that are being answered.
        var kept: (earlier: Int, now: Int) = (0, 0)
        var isCancelled = false
    }

    let id: String
    private let state: Mutex<State>

    init(id: String, questions: Int) {
        self.id = id
        state = Mutex(State(answers: Array(repeating: nil, count: questions)))
    }

    var isCancelled: Bool { state.withLock { $0.isCancelled } }
    var isRunning: Bool { state.withLock { $0.name == "running" } }

    /// Notes how many prompts of the questions that are being answered are done, and how many of these were known.
    ///
    /// - Throws: `CancellationError` when the job was cancelled.
    func report(_ done: Int, of total: Int, kept: Int) throws {
        let isCancelled = state.withLock {
            $0.prompts = (done, total)
            $0.kept.now = kept
            return $0.isCancelled
        }
        if isCancelled { throw CancellationError() }
    }

    /// Notes that a question is answered.
    func finish(_ question: Int, id: String) {
        state.withLock { $0.answers[question] = id }
    }

    /// Whether a question has neither an answer nor a reason for none.
    func isOpen(_ question: Int) -> Bool {
        state.withLock { state in
            state.answers[question] == nil && !state.failures.contains { $0.question == question }
        }
    }

    /// Notes that questions that were answered together are done.
    func endGroup() {
        state.withLock {
            $0.prompts = (0, 0)
            $0.kept = ($0.kept.earlier + $0.kept.now, 0)
        }
    }

    /// Notes why a question has no answer.
    func fail(_ question: Int, _ detail: String) {
        state.withLock { $0.failures.append((question, detail)) }
    }

    func cancel() { state.withLock { $0.isCancelled = true } }

    /// Notes that nothing more comes.
    func end() { state.withLock { $0.name = $0.isCancelled ? "cancelled" : "done" } }

    /// {job, state, total, done, prompts, kept, answers, failures}
    func json() -> [UInt8] {
        let state = state.withLock { $0 }
        var json = JSONWriter()
        json.object { json in
            json.member("job", id)
            json.member("state", state.name)
            json.member("total", state.answers.count)
            json.member("done", state.answers.count { $0 != nil } + state.failures.count)
            json.key("prompts")
            json.ints([state.prompts.done, state.prompts.total])
            json.member("kept", state.kept.earlier + state.kept.now)
            json.key("answers")
            json.array { json in
                for answer in state.answers {
                    if let answer { json.string(answer) } else { json.null() }
                }
            }
            json.key("failures")
            json.array { json in
                for failure in state.failures {
                    json.object { json in
                        json.member("question", failure.question)
                        json.member("detail", failure.detail)
                    }
                }
            }
        }
        return json.bytes
    }
}

/// The jobs of this run of the server.
final class LabJobs: Sendable {
    private let jobs = Mutex<(next: Int, all: [LabJob])>((1, []))
    /// In every id: a job of an earlier run of the server is not taken for one of this.
    private let mark = String(UInt32.random(in: 0...UInt32.max), radix: 16)

    /// Jobs that run or wait at the same time, and those that are remembered.
    private static let mostRunning = 8
    private static let remembered = 200

    /// A new job.
    func begin(_ questions: [Question]) throws(APIError) -> LabJob {
        let job: LabJob? = jobs.withLock { jobs in
            guard jobs.all.count(where: \.isRunning) < Self.mostRunning else { return nil }
            let job = LabJob(id: "j\(jobs.next)-\(mark)", questions: questions.count)
            jobs.next += 1
            jobs.all.append(job)
            if jobs.all.count > Self.remembered,
                let place = jobs.all.firstIndex(where: { !$0.isRunning })
            {
                jobs.all.remove(at: place)
            }
            return job
        }
        guard let job else {
            throw .busy(
                "\(Self.mostRunning) jobs run already; try again when one is done.", retryAfter: 10)
        }
        return job
    }

    /// A job by its id.
    func job(_ id: String) throws(APIError) -> LabJob {
        guard let job = jobs.withLock({ $0.all.first { $0.id == id } }) else {
            throw APIError(
                .notFound,
                "There is no job \(id.prefix(40)); the server may have been started anew. Ask the same questions again: answers and prompts that are done are not run anew."
            )
        }
        return job
    }
}
