// SPDX-License-Identifier: Apache-2.0
// Answers to questions, computed batch by batch away from the threads that answer requests.

import FeatureDictionaries
import Foundation
import Lab
import Transformer
import UserErrors

/// What questions name besides the model.
struct LabMaterials: Sendable {
    var sequences: [String: [Int32]] = [:]
    var dictionaries: [Int: (dictionary: FeatureDictionary, sha256: String)] = [:]

    /// These and others.
    mutating func add(_ others: LabMaterials) {
        sequences.merge(others.sequences) { first, _ in first }
        dictionaries.merge(others.dictionaries) { first, _ in first }
    }
}

/// How far questions that are answered together are.
struct LabStep: Sendable {
    let outcomes: [LabRun.Outcome]
    /// Prompts that are done, of how many, and those of them that were known from before.
    let done: Int
    let total: Int
    let kept: Int
}

/// Keeps a laboratory with its forward pass for the next question.
actor LabRunner {
    private nonisolated let executor = QueueExecutor("headvis.lab")
    private nonisolated let admission = Admission(limit: 64)
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private var last: (modelHash: String, bos: Bool, laboratory: Laboratory)?
    /// What the questions name whose batch is running.
    private let materials = MaterialsShelf()
    private var runs: [Int: (run: LabRun, materials: LabMaterials)] = [:]
    private var next = 0

    /// Answers questions together. Between their batches those of others have their turn.
    ///
    /// - Parameters:
    ///   - progress: knows what an earlier run has found.
    ///   - tell: is told after every batch; what it throws ends the work.
    nonisolated func answer(
        _ questions: [Question], _ model: ReadyModel, bos: Bool, _ materials: LabMaterials,
        progress: ProgressFile?, _ tell: @Sendable (LabStep) async throws -> Void
    ) async throws {
        try await admission.admit {
            let number = await begin(questions, model, bos, materials, progress)
            do {
                while let step = try await step(number) { try await tell(step) }
            } catch {
                await end(number)
                throw error
            }
            await end(number)
        }
    }

    private func begin(
        _ questions: [Question], _ model: ReadyModel, _ bos: Bool, _ given: LabMaterials,
        _ progress: ProgressFile?
    ) -> Int {
        next += 1
        let laboratory = laboratory(model, bos)
        materials.held = given
        runs[next] = (LabRun(questions, in: laboratory, progress: progress), given)
        return next
    }

    private func step(_ number: Int) throws -> LabStep? {
        guard let (run, given) = runs[number] else { return nil }
        materials.held = given
        return try run.next().map {
            LabStep(outcomes: $0, done: run.done, total: run.prompts, kept: run.kept)
        }
    }

    private func end(_ number: Int) { runs[number] = nil }

    private func laboratory(_ model: ReadyModel, _ bos: Bool) -> Laboratory {
        if let last, last.modelHash == model.sha256, last.bos == bos { return last.laboratory }
        let materials = materials
        let laboratory = Laboratory(
            model.loaded, bos: bos,
            workers: min(4, ProcessInfo.processInfo.activeProcessorCount),
            dictionaries: { layer in
                guard let dictionary = materials.held.dictionaries[layer] else {
                    throw UserError("there is no dictionary of layer \(layer).")
                }
                return dictionary.dictionary
            },
            sequences: { id in
                guard let ids = materials.held.sequences[id] else {
                    throw UserError("there is no sequence \(id).")
                }
                return ids
            })
        last = (model.sha256, bos, laboratory)
        return laboratory
    }

    /// Held by the laboratory's closures; only the actor touches it.
    private final class MaterialsShelf {
        var held = LabMaterials()
    }
}
