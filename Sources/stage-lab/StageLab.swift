// SPDX-License-Identifier: Apache-2.0
// A file of questions about heads becomes work/lab.h5. What is answered there already is not asked again.

import ArgumentParser
import Digests
import Explanations
import FeatureDictionaries
import Foundation
import Lab
import Stages
import Tensors
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
            "query": -1, "key": "{}"}; docs/lab.md has all kinds. Answers that the output holds already are kept, \
            and it is written every minute, so that a run that was ended goes on where it was.
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

    /// So often the answers so far are written.
    private static let interval = Duration.seconds(60)

    func run() throws {
        try requireOutput(output, apartFrom: [model, questions] + [scan].compactMap { $0 })
        let loaded = try LoadedModel(opening: model)
        let hash = try sha256(of: loaded.model.checkpoint.files)
        var provenance = Provenance()
        provenance["tool_version"] = .text(toolVersion)
        provenance["model"] = .text(loaded.name)
        provenance["model_sha256"] = .text(hash)
        let beginning = loaded.sequenceEnds(bos: bos).prefix
        let records = try readQuestions(hash, beginning)
        var known = try answered(of: hash)
        let laboratory = try laboratory(loaded)

        var progress = Progress("lab", unit: "questions", total: records.count)
        var answers: [LabFile.Answer] = []
        var written = ContinuousClock.now
        for (i, record) in records.enumerated() {
            if let answer = known.removeValue(forKey: record.id) {
                answers.append(answer)
                continue
            }
            do {
                answers.append(
                    LabFile.Answer(
                        id: record.id, question: String(decoding: record.json, as: UTF8.self),
                        answer: String(
                            decoding: try record.question.answer(in: laboratory), as: UTF8.self),
                        about: record.entry.about))
            } catch let error as UserError {
                throw UserError("\(questions): question \(i + 1): \(error)")
            }
            progress.update(i + 1)
            guard ContinuousClock.now - written > Self.interval else { continue }
            // Those to come that are known stay known.
            try LabFile(
                provenance: provenance, answers: answers + known.values.sorted { $0.id < $1.id }
            ).write(to: output)
            written = .now
        }
        try LabFile(provenance: provenance, answers: answers).write(to: output)
        progress.finish(records.count)
    }

    /// The questions of the file, without repetitions.
    private func readQuestions(_ hash: String, _ beginning: [Int32]) throws -> [LabRecord] {
        let data: Data
        do {
            data =
                questions == "-"
                ? FileHandle.standardInput.readDataToEndOfFile()
                : try Data(contentsOf: URL(filePath: questions))
        } catch {
            throw UserError("\(questions): cannot be read; QUESTIONS names a file of JSON lines.")
        }
        var seen: Set<String> = []
        var records: [LabRecord] = []
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (i, line) in lines.enumerated() {
            guard line.contains(where: { $0 > 0x20 }) else { continue }
            do {
                let record = try LabRecord(
                    Question(json: [UInt8](line)), modelSHA256: hash, beginning: beginning)
                if seen.insert(record.id).inserted { records.append(record) }
            } catch let error as UserError {
                throw UserError("\(questions): line \(i + 1): \(error)")
            }
        }
        guard !records.isEmpty else {
            throw UserError("\(questions): holds no question; docs/lab.md shows some.")
        }
        return records
    }

    /// What an earlier run with this model answered, by id.
    private func answered(of hash: String) throws -> [String: LabFile.Answer] {
        guard FileManager.default.fileExists(atPath: output) else { return [:] }
        let file = try LabFile(output)
        guard file.provenance.text("model_sha256") == hash else { return [:] }
        return Dictionary(file.answers.map { ($0.id, $0) }) { first, _ in first }
    }

    private func laboratory(_ loaded: LoadedModel) throws -> Laboratory {
        let scan = try scan.map { try ScanFile($0) }
        let folder = dictionaries.map { DictionaryFolder(URL(filePath: $0), choice: chosen.choice) }
        BLAS.prepare()
        return Laboratory(
            loaded, bos: bos, workers: workers.count,
            dictionaries: { layer in
                guard let folder else {
                    throw UserError(
                        "a question about features needs a dictionary of layer \(layer); name its folder with --dictionaries."
                    )
                }
                return try folder.open(layer: layer, of: loaded.model.description).dictionary
            },
            sequences: { id in
                guard let scan else {
                    throw UserError(
                        "a question about sequence \(id) needs the scan it is in; name it with --scan."
                    )
                }
                guard let number = Int(id), (0..<scan.nSequences).contains(number) else {
                    throw UserError(
                        "there is no sequence \(id) in the scan; it has \(scan.nSequences).")
                }
                return Array(scan.tokens(of: number))
            })
    }
}
