// SPDX-License-Identifier: Apache-2.0
// ask_head, and the jobs of many questions: start_lab_job, lab_job, cancel_lab_job.

import DataTree
import Foundation
import Hummingbird
import Lab
import Stages
import Synchronization
import UserErrors

/// Answers questions about heads, and keeps the answers in the tree.
struct LabEndpoints: Sendable {
    let tree: TreeStore
    let sequences: StoredSequences
    let model: ModelHost
    let dictionaries: DictionaryShelf
    let runner: LabRunner
    let jobs = LabJobs()

    /// Prompts that one request may take; more are a job.
    private static let mostPrompts = 512
    /// Bytes of what is written down of one question's prompts.
    private static let largestProgress = 32 << 20
    /// Questions of a job.
    private static let mostQuestions = 10_000

    /// Answers from the tree if the question was asked before of the same model; else computes the answer and
    /// stores it first.
    func ask(_ question: Question) async throws -> Response {
        guard question.asked.promptCount <= Self.mostPrompts else {
            throw APIError.unprocessable(
                "A question of \(question.asked.promptCount) prompts is more than the \(Self.mostPrompts) of one request; ask it by start_lab_job."
            )
        }
        let asked = try await read(question)
        if let stored = try await stored(asked) { return Response(json: stored) }
        let answer = Mutex<Result<[UInt8], APIError>?>(nil)
        try await self.answer([asked]) { _ in
        } take: { _, found in
            answer.withLock { $0 = found }
        }
        guard let found = answer.withLock({ $0 }) else {
            throw APIError.broken("The question has no answer.")
        }
        return Response(json: try found.get())
    }

    /// Begins to answer questions, small ones together; each answer is in the tree as soon as it is known.
    func start(_ body: LabJobBody) async throws -> Response {
        guard (1...Self.mostQuestions).contains(body.questions.count) else {
            throw APIError.unprocessable(
                "questions must be a list of 1 to \(Self.mostQuestions) questions.")
        }
        // What could not run at all is said before.
        let config = try tree.config()
        _ = try model.ready(for: config)
        for question in body.questions { try check(question, config) }
        let job = try jobs.begin(body.questions)
        Task {
            for group in Question.groups(body.questions) where !job.isCancelled {
                await answer(body.questions, group, job)
            }
            job.end()
        }
        return Response(json: job.json())
    }

    /// Answers those questions of a job that no earlier one has.
    private func answer(_ questions: [Question], _ group: Range<Int>, _ job: LabJob) async {
        var open: [(question: Int, asked: Asked)] = []
        for i in group {
            do {
                let asked = try await read(questions[i])
                if try await stored(asked) != nil {
                    job.finish(i, id: asked.record.id)
                } else {
                    open.append((i, asked))
                }
            } catch { job.fail(i, "\(error)") }
        }
        guard !open.isEmpty else { return }
        let asked = open
        do {
            try await answer(asked.map(\.asked)) { step in
                try job.report(step.done, of: step.total, kept: step.kept)
            } take: { i, found in
                switch found {
                case .success: job.finish(asked[i].question, id: asked[i].asked.record.id)
                case .failure(let error): job.fail(asked[i].question, error.description)
                }
            }
        } catch is CancellationError {
        } catch {
            for (question, _) in asked where job.isOpen(question) { job.fail(question, "\(error)") }
        }
        job.endGroup()
    }

    /// How far a job is.
    func status(_ body: LabJobReference) throws -> Response {
        Response(json: try jobs.job(body.job).json())
    }

    /// Ends a job; what it has answered stays.
    func cancel(_ body: LabJobReference) throws -> Response {
        let job = try jobs.job(body.job)
        job.cancel()
        return Response(json: job.json())
    }

    /// A question with what it names.
    private struct Asked: Sendable {
        let question: Question
        let record: LabRecord
        let materials: LabMaterials
    }

    private func check(_ question: Question, _ config: TreeConfig) throws {
        guard let (layer, head) = question.asked.address else { return }
        _ = try config.head(layer: layer, head: head)
    }

    private func read(_ question: Question) async throws -> Asked {
        let config = try tree.config()
        try check(question, config)
        let model = try model.ready(for: config)
        let materials = try await materials(of: question, model, config)
        let record = try LabRecord(
            question, modelSHA256: model.sha256,
            beginning: model.loaded.sequenceEnds(bos: config.beginsSequences).prefix,
            sequences: { materials.sequences[$0] ?? [] },
            dictionary: { materials.dictionaries[$0]?.sha256 ?? "" })
        return Asked(question: question, record: record, materials: materials)
    }

    /// The answer that the tree has, listed in the manifest: a crash may have come between the two files.
    private func stored(_ asked: Asked) async throws -> [UInt8]? {
        guard let answer = try tree.contents(LabManifest.path(asked.record.id)) else { return nil }
        var manifest = try LabManifest(try tree.contents(LabManifest.path))
        // A tree that cannot be changed answers all the same.
        if manifest.add(asked.record.entry) { try? await list(asked.record) }
        return answer
    }

    /// Answers questions together.
    ///
    /// - Parameters:
    ///   - tell: is told after every batch; what it throws ends the work.
    ///   - take: gets each question's file once it is stored, or why there is none.
    private func answer(
        _ asked: [Asked], _ tell: @Sendable (LabStep) throws -> Void,
        take: @Sendable (_ question: Int, Result<[UInt8], APIError>) -> Void
    ) async throws {
        let config = try tree.config()
        let model = try model.ready(for: config)
        var materials = LabMaterials()
        for question in asked { materials.add(question.materials) }
        let progress = try await progress(of: asked)
        try await runner.answer(
            asked.map(\.question), model, bos: config.beginsSequences, materials,
            progress: progress
        ) { step in
            for outcome in step.outcomes {
                switch outcome.answer {
                case .success(let answer):
                    let file = try await store(answer, to: asked[outcome.question].record)
                    take(outcome.question, .success(file))
                case .failure(let error):
                    take(outcome.question, .failure(.unprocessable("\(error)")))
                }
            }
            try tell(step)
        }
        progress?.remove()
    }

    /// Where the prompts of one long question are written down; several small ones are answered soon.
    private func progress(of asked: [Asked]) async throws -> ProgressFile? {
        guard asked.count == 1, asked[0].question.asked.promptCount > 1 else { return nil }
        let record = asked[0].record
        if asked[0].question.asked.promptCount > Self.mostPrompts {
            try await tree.changing { TreeStore.removeOldProgress(in: $0) }
        }
        // Another job may be at the same question.
        return try? ProgressFile(
            tree.root.appending(path: LabManifest.progressPath(record.id)),
            about: "\(toolVersion) \(record.id)", limit: Self.largestProgress)
    }

    private func store(_ answer: [UInt8], to record: LabRecord) async throws -> [UInt8] {
        let file = record.file(answer: answer)
        try await tree.update(LabManifest.path(record.id)) { _ in (file, ()) }
        try await list(record)
        return file
    }

    private func list(_ record: LabRecord) async throws {
        try await tree.update(LabManifest.path) { bytes in
            var manifest = try LabManifest(bytes)
            let isNew = manifest.add(record.entry)
            return (isNew ? manifest.json() : nil, ())
        }
    }

    /// What the question names of the tree and the work folder.
    private func materials(
        of question: Question, _ model: ReadyModel, _ config: TreeConfig
    ) async throws -> LabMaterials {
        var materials = LabMaterials()
        for case .sequence(let id) in question.asked.sources where materials.sequences[id] == nil {
            guard let reference = SequenceID(id) else {
                throw APIError.unprocessable(
                    "\"\(id.prefix(80))\" is neither the number of a sequence nor the id of a custom one."
                )
            }
            materials.sequences[id] = try await sequences.tokens(
                of: reference, question.asked.address, config)
        }
        if let layer = question.asked.dictionaryLayer {
            let found = try await dictionaries.dictionaries(ofLayer: layer, for: .qk, model)
            materials.dictionaries[layer] = found.residual.map { ($0.dictionary, $0.sha256) }
        }
        return materials
    }
}

/// {questions: [...]}
struct LabJobBody: Decodable {
    let questions: [Question]
}

/// {job}
struct LabJobReference: Decodable {
    let job: String
}
