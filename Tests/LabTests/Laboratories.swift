// SPDX-License-Identifier: Apache-2.0
// Laboratories over the fixtures' models.

import FeatureDictionaries
import Foundation
import Lab
import Stages
import TestSupport
import UserErrors

/// A laboratory over a model of the fixtures; one without a tokenizer gets Llama's.
func laboratory(
    _ name: String, workers: Int = 2, dictionary: FeatureDictionary? = nil,
    sequences: [String: [Int32]] = [:]
) throws -> Laboratory {
    let loaded = try withTemporaryFolder { folder in
        let model = Fixtures.url("models/\(name)")
        for file in try FileManager.default.contentsOfDirectory(atPath: model.path) {
            try FileManager.default.createSymbolicLink(
                at: folder.appending(path: file), withDestinationURL: model.appending(path: file))
        }
        for file in ["tokenizer.json", "tokenizer_config.json"] {
            try? FileManager.default.createSymbolicLink(
                at: folder.appending(path: file),
                withDestinationURL: Fixtures.url("models/llama/\(file)"))
        }
        return try LoadedModel(opening: folder.path)
    }
    return Laboratory(
        loaded, bos: false, workers: workers,
        dictionaries: { layer in
            guard let dictionary else {
                throw UserError("there is no dictionary of layer \(layer).")
            }
            return dictionary
        },
        sequences: { id in
            guard let ids = sequences[id] else { throw UserError("there is no sequence \(id).") }
            return ids
        })
}

/// Asks in JSON and reads the answer as the type that the question has.
func ask<Asked: LabQuestion>(
    _ type: Asked.Type, _ json: String, in lab: Laboratory
) throws -> Asked.Answer {
    let question = try Question(json: Array(json.utf8))
    guard question.asked is Asked else { throw UserError("another question") }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Asked.Answer.self, from: Data(question.answer(in: lab)))
}
