// SPDX-License-Identifier: Apache-2.0
// A question with its answer, as data/lab/ and lab.h5 have it.

import DataTree
import Digests
import JSON

/// A question that was asked of a model.
public struct LabRecord: Sendable {
    public let question: Question
    /// The question as JSON.
    public let json: [UInt8]
    /// The same for the same question of the same model, about the same sequences and features: sixteen
    /// hexadecimal digits.
    public let id: String

    /// Raised when the same question gets another answer.
    private static let version = 1

    /// - Parameters:
    ///   - modelSHA256: of the model's files.
    ///   - beginning: ids that stand before every prompt.
    ///   - sequences: the ids of a stored sequence.
    ///   - dictionary: the SHA-256 of the dictionary of a layer.
    /// - Throws: what `sequences` and `dictionary` throw, which are only asked for what the question names.
    public init(
        _ question: Question, modelSHA256: String, beginning: [Int32],
        sequences: (_ id: String) throws -> [Int32], dictionary: (_ layer: Int) throws -> String
    ) throws {
        self.question = question
        json = try question.json()
        let hash = SHA256()
        hash.update("\(Self.version) \(modelSHA256) \(beginning) ")
        hash.update(json)
        for case .sequence(let id) in question.asked.sources {
            hash.update(" \(try sequences(id))")
        }
        if let layer = question.asked.dictionaryLayer {
            hash.update(" \(try dictionary(layer))")
        }
        id = hexadecimal(hash.finalize().prefix(8))
    }

    /// What a list says of it.
    public var entry: LabManifest.Entry {
        let asked = question.asked
        return LabManifest.Entry(
            id: id, question: question.kind, layer: asked.address?.layer,
            head: asked.address?.head, about: String(asked.about.prefix(120)),
            corpus: asked.sources.contains { source in
                if case .sequence(let id) = source { !id.hasPrefix("c") } else { false }
            })
    }

    /// {"id", "question", "answer"}: the file in data/lab/.
    public func file(answer: [UInt8]) -> [UInt8] {
        var file = JSONWriter()
        file.object { file in
            file.key("id")
            file.string(id)
            file.key("question")
            file.json(json)
            file.key("answer")
            file.json(answer)
        }
        return file.bytes
    }
}
