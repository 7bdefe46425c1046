// SPDX-License-Identifier: Apache-2.0
// Laboratories over the fixtures' models.

import FeatureDictionaries
import Foundation
import Lab
import Stages
import TestSupport
import UserErrors

/// A laboratory over a model of the fixtures that has a tokenizer.
func laboratory(
    _ name: String, workers: Int = 2, dictionary: FeatureDictionary? = nil,
    sequences: [String: [Int32]] = [:]
) throws -> Laboratory {
    let loaded = try LoadedModel(opening: Fixtures.url("models/\(name)").path)
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
    guard let asked = question.asked as? Asked else { throw UserError("another question") }
    return try asked.answer(in: lab)
}
