// SPDX-License-Identifier: Apache-2.0
// ask_head, and the jobs of many questions: start_lab_job, lab_job, cancel_lab_job.

import DataTree
import Foundation
import Hummingbird
import Lab
import Transformer
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
        return Response(json: try await answer(question) { _, _ in })
    }

    /// Begins to answer questions one after the other; each answer is in the tree as soon as it is known.
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
            for (i, question) in body.questions.enumerated() {
                guard !job.isCancelled else { break }
                do {
                    let id = try record(question).id
                    _ = try await answer(question) { done, total in
                        try job.report(done, of: total, in: i)
                    }
                    job.finish(i, id: id)
                } catch is CancellationError {
                    break
                } catch let error as APIError {
                    job.fail(i, error.description)
                } catch { job.fail(i, "\(error)") }
            }
            job.end()
        }
        return Response(json: job.json())
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

    private func record(_ question: Question) throws -> LabRecord {
        let config = try tree.config()
        let model = try model.ready(for: config)
        return try LabRecord(
            question, modelSHA256: model.sha256,
            beginning: model.loaded.sequenceEnds(bos: config.beginsSequences).prefix)
    }

    private func check(_ question: Question, _ config: TreeConfig) throws {
        guard let (layer, head) = question.asked.address else { return }
        _ = try config.head(layer: layer, head: head)
    }

    private func answer(
        _ question: Question, _ progress: @escaping @Sendable (Int, Int) throws -> Void
    ) async throws -> [UInt8] {
        let config = try tree.config()
        try check(question, config)
        let record = try record(question)
        let path = LabManifest.path(record.id)
        if let stored = try tree.contents(path) { return stored }
        let model = try model.ready(for: config)
        let materials = try await materials(of: question, model, config)
        let answer = try await runner.answer(
            question, model, bos: config.beginsSequences, materials, progress)
        let file = record.file(answer: answer)
        try await tree.update(path) { _ in (file, ()) }
        try await tree.update(LabManifest.path) { bytes in
            var manifest = try LabManifest(bytes)
            let isNew = manifest.add(record.entry)
            return (isNew ? manifest.json() : nil, ())
        }
        return file
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
            materials.dictionaries[layer] =
                try await dictionaries.dictionaries(ofLayer: layer, for: .qk, model).residual?
                .dictionary
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
