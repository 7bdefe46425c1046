// SPDX-License-Identifier: Apache-2.0
// A file of questions about heads becomes work/lab.h5. What is answered there already is not asked again.

import ArgumentParser
import Explanations
import FeatureDictionaries
import Foundation
import Lab
import Stages
import Transformer
import UserErrors
import WorkFiles

@main
struct StageLab: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage-lab",
        abstract: "Answers questions about attention heads, from a file of JSON lines.",
        discussion: """
            Each line is a question such as {"question": "sweep", "layer": 17, "head": 5, "prompt": "in {1..9}", \
            "query": -1, "key": "{}"}; docs/lab.md has all kinds. Answers that the output holds already are kept. \
            What a run has found is in a file beside the output (.progress) until the output is written, so that a run \
            that was ended goes on where it was.
            """,
        version: toolVersion)

    @Option(help: "The model: a Hugging Face folder or a GGUF file.")
    var model: String

    @Option(help: "The questions: a file of JSON lines, or - for standard input.")
    var questions: String

    @Option(help: "The scan that questions about stored sequences mean.")
    var scan: String?

    @Option(help: "A folder of dictionaries, for questions about features.")
    var dictionaries: String?

    @OptionGroup var chosen: DictionaryArguments

    @Flag(
        inversion: .prefixedNo,
        help: "Whether prompts begin with the tokenizer's own tokens; it states so unless told.")
    var bos: Bool?

    @OptionGroup var workers: WorkerArguments

    @Option(help: "The file to write.")
    var output: String

    func run() throws {
        try requireOutput(
            output, apartFrom: [questions] + [scan].compactMap { $0 }, orIn: [model])
        let loaded = try LoadedModel(opening: model)
        let questions = try readQuestions()
        let materials = try Materials(
            scan: scan, dictionaries: dictionaries, chosen.choice, of: loaded)
        let asked = try records(of: questions, loaded, materials)
        let progress = try ProgressFile(
            URL(filePath: "\(output).progress"), about: "\(toolVersion) \(materials.modelSHA256)")
        var answers = try answered(of: materials.modelSHA256)
        for (id, answer) in progress.answers {
            answers[id] = String(decoding: answer, as: UTF8.self)
        }

        let open = asked.filter { answers[$0.record.id] == nil }
        if open.count < asked.count || progress.prompts > 0 {
            note(
                "lab: \(asked.count - open.count) answers and \(progress.prompts) prompts are known from before"
            )
        }
        try answer(open, in: materials.laboratory(loaded, bos: bos, workers.count), progress) {
            answers[$0.id] = $1
        }
        try LabFile(
            provenance: materials.provenance(loaded.name),
            answers: asked.compactMap { asked in
                let record = asked.record
                return answers[record.id].map {
                    LabFile.Answer(
                        id: record.id, question: String(decoding: record.json, as: UTF8.self),
                        answer: $0, about: record.entry.about)
                }
            }
        ).write(to: output)
        progress.remove()
    }

    /// Answers what is open; each answer is on the disk before `take` gets it.
    private func answer(
        _ open: [Asked], in laboratory: Laboratory, _ file: ProgressFile,
        _ take: (LabRecord, String) -> Void
    ) throws {
        guard !open.isEmpty else { return }
        let total = open.reduce(0) { $0 + $1.record.question.asked.promptCount }
        var progress = Progress("lab", unit: "prompts", total: total)
        var before = 0
        for group in Question.groups(open.map(\.record.question)) {
            let asked = Array(open[group])
            let run = LabRun(asked.map(\.record.question), in: laboratory, progress: file)
            var failure: (any Error)?
            while let outcomes = try run.next() {
                var new: [(record: LabRecord, answer: [UInt8])] = []
                for outcome in outcomes {
                    let asked = asked[outcome.question]
                    do { new.append((asked.record, try outcome.answer.get())) } catch {
                        failure = failure ?? UserError("\(questions): \(asked.place): \(error)")
                    }
                }
                try file.note(answers: new.map { ($0.record.id, $0.answer) })
                for (record, answer) in new {
                    take(record, String(decoding: answer, as: UTF8.self))
                }
                progress.update(before + run.done)
            }
            before += run.prompts
            if let failure { throw failure }
        }
        progress.finish(before)
    }

    /// A question of the file.
    private struct Asked {
        let record: LabRecord
        /// Where it stands among the questions, for people.
        let place: String
    }

    /// The questions of the file.
    private func readQuestions() throws -> [Question] {
        let data: Data
        do {
            data =
                questions == "-"
                ? FileHandle.standardInput.readDataToEndOfFile()
                : try Data(contentsOf: URL(filePath: questions))
        } catch {
            throw UserError("\(questions): cannot be read; QUESTIONS names a file of JSON lines.")
        }
        var asked: [Question] = []
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (i, line) in lines.enumerated() where line.contains(where: { $0 > 0x20 }) {
            do { asked.append(try Question(json: [UInt8](line))) } catch let error as UserError {
                throw UserError("\(questions): line \(i + 1): \(error)")
            }
        }
        guard !asked.isEmpty else {
            throw UserError("\(questions): holds no question; docs/lab.md shows some.")
        }
        return asked
    }

    /// The questions with their ids, without repetitions.
    private func records(
        of questions: [Question], _ loaded: LoadedModel, _ materials: Materials
    ) throws -> [Asked] {
        let beginning = loaded.sequenceEnds(bos: bos).prefix
        var seen: Set<String> = []
        var asked: [Asked] = []
        for (i, question) in questions.enumerated() {
            let place = "question \(i + 1)"
            do {
                let record = try LabRecord(
                    question, modelSHA256: materials.modelSHA256, beginning: beginning,
                    sequences: materials.sequence,
                    dictionary: materials.dictionarySHA256(ofLayer:))
                guard seen.insert(record.id).inserted else { continue }
                asked.append(Asked(record: record, place: place))
            } catch let error as UserError {
                throw UserError("\(self.questions): \(place): \(error)")
            }
        }
        return asked
    }

    /// What an earlier run with this model answered, by id.
    private func answered(of hash: String) throws -> [String: String] {
        guard FileManager.default.fileExists(atPath: output) else { return [:] }
        let file = try LabFile(output)
        guard file.provenance.text("model_sha256") == hash else { return [:] }
        return Dictionary(file.answers.map { ($0.id, $0.answer) }) { first, _ in first }
    }
}
