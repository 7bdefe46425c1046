// SPDX-License-Identifier: Apache-2.0
// Answers to questions, computed one after the other away from the threads that answer requests.

import FeatureDictionaries
import Foundation
import Lab
import Transformer
import UserErrors

/// What questions name besides the model.
struct LabMaterials: Sendable {
    var sequences: [String: [Int32]] = [:]
    var dictionaries: [Int: FeatureDictionary] = [:]
}

/// Keeps a laboratory with its forward pass for the next question.
actor LabRunner {
    private nonisolated let executor = QueueExecutor("headvis.lab")
    private nonisolated let admission = Admission(limit: 64)
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private var last: (modelHash: String, bos: Bool, laboratory: Laboratory)?
    /// Of the question that is being answered.
    private let materials = MaterialsShelf()

    /// Answers a question.
    ///
    /// - Parameter progress: is told of prompts done; what it throws ends the work.
    nonisolated func answer(
        _ question: Question, _ model: ReadyModel, bos: Bool, _ materials: LabMaterials,
        _ progress: @escaping @Sendable (Int, Int) throws -> Void
    ) async throws -> [UInt8] {
        try await admission.admit {
            try await compute(question, model, bos, materials, progress)
        }
    }

    private func compute(
        _ question: Question, _ model: ReadyModel, _ bos: Bool, _ given: LabMaterials,
        _ progress: @escaping @Sendable (Int, Int) throws -> Void
    ) throws -> [UInt8] {
        let laboratory = laboratory(model, bos)
        materials.held = given
        laboratory.progress = progress
        do { return try question.answer(in: laboratory) } catch let error as UserError {
            throw APIError.unprocessable(error.description)
        }
    }

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
                return dictionary
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
