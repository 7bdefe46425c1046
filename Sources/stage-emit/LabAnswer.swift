// SPDX-License-Identifier: Apache-2.0
// An answer of lab.h5 as the tree has it.

import DataTree
import Foundation
import JSON
import Stages
import UserErrors
import WorkFiles

/// One answer with its place in the manifest.
struct LabAnswer {
    let entry: LabManifest.Entry
    /// {"id", "question", "answer"}
    let file: [UInt8]

    /// What the emitter needs to know of a question.
    private struct Question: Decodable {
        let question: String
        let layer: Int?
        let head: Int?
    }

    init(_ answer: LabFile.Answer) throws {
        guard LabManifest.isID(answer.id),
            let question = try? JSONDecoder().decode(
                Question.self, checking: Array(answer.question.utf8)),
            let asked = try? JSONSerialization.jsonObject(with: Data(answer.question.utf8)),
            (try? JSONText(Array(answer.answer.utf8))) != nil
        else {
            throw UserError(
                "lab.h5: holds \"\(answer.id.prefix(40))\", which is no answer; run stage-lab again."
            )
        }
        entry = LabManifest.Entry(
            id: answer.id, question: question.question, layer: question.layer,
            head: question.head, about: answer.about,
            corpus: Self.namesCorpus(asked))
        var json = JSONWriter()
        json.object { json in
            json.member("id", answer.id)
            json.key("question")
            json.json(answer.question.utf8)
            json.key("answer")
            json.json(answer.answer.utf8)
        }
        file = json.bytes
    }

    /// Whether {"sequence": ...} of the corpus, which has a number, is anywhere in a question.
    private static func namesCorpus(_ value: Any) -> Bool {
        if let list = value as? [Any] { return list.contains(where: namesCorpus) }
        guard let object = value as? [String: Any] else { return false }
        let named = object["sequence"].map { "\($0)" }
        return named.flatMap { Int($0) } != nil || object.values.contains(where: namesCorpus)
    }
}
