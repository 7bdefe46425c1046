// SPDX-License-Identifier: Apache-2.0
// lab.h5: questions about heads, and their answers.

import HDF5

/// The contents of lab.h5.
public struct LabFile: Sendable, Equatable {
    /// An answered question.
    public struct Answer: Sendable, Equatable {
        /// Sixteen hexadecimal digits of question and model.
        public var id: String
        /// One line of JSON each.
        public var question: String
        public var answer: String
        /// What a list says of it: the beginning of its first prompt.
        public var about: String

        public init(id: String, question: String, answer: String, about: String) {
            self.id = id
            self.question = question
            self.answer = answer
            self.about = about
        }
    }

    /// What decides which tokens a stored sequence's number stands for, besides the model.
    public static let corpusFacts = [
        "dataset_sha256", "n_sequences", "n_tokens", "seq_len", "bos_token_id",
    ]

    /// The facts of the model, and of the scan whose sequences questions name.
    public var provenance: Provenance
    /// In the order in which they were asked.
    public var answers: [Answer]

    /// The contents of lab.h5.
    public init(provenance: Provenance, answers: [Answer]) {
        self.provenance = provenance
        self.answers = answers
    }

    /// Writes the file.
    public func write(to path: String) throws {
        let output = try WorkFileWriter(path, schema: .lab, provenance: provenance)
        let file = output.file
        try reading { () throws(H5Error) in
            for (name, column, about) in [
                ("id", answers.map(\.id), "Hash of question and model."),
                ("question", answers.map(\.question), "The question as JSON; docs/lab.md."),
                ("answer", answers.map(\.answer), "Its answer as JSON."),
                ("about", answers.map(\.about), "The beginning of its first prompt."),
            ] {
                try file.write(column, to: "answers/\(name)", axes: ["answer"], about: about)
            }
        }
        try output.finish()
    }

    /// Reads the file.
    public init(_ path: String) throws {
        let file = try openWorkFile(path, schema: .lab)
        self = try reading { () throws(H5Error) in
            let ids = try file.readStrings("answers/id")
            let columns = try ["question", "answer", "about"].map { name throws(H5Error) in
                let column = try file.readStrings("answers/\(name)")
                guard column.count == ids.count else {
                    throw file.damaged("answers/\(name)", "has another length than answers/id")
                }
                return column
            }
            return LabFile(
                provenance: try Provenance(from: file),
                answers: ids.indices.map {
                    Answer(
                        id: ids[$0], question: columns[0][$0], answer: columns[1][$0],
                        about: columns[2][$0])
                })
        }
    }
}
