// SPDX-License-Identifier: Apache-2.0
// lab/manifest.json: which questions about heads the tree has answers to.

import Foundation
import JSON

/// The answered questions, in the order in which they were answered.
public struct LabManifest: Codable, Sendable, Equatable {
    /// Where the manifest lies in a tree.
    public static let path = "lab/manifest.json"

    /// One answered question.
    public struct Entry: Codable, Sendable, Equatable {
        public var id: String
        /// Its kind, such as sweep.
        public var question: String
        /// The head it is about; nil: all heads.
        public var layer: Int?
        public var head: Int?
        /// The beginning of its first prompt, for lists.
        public var about: String
        /// Whether it names sequences of the corpus.
        public var corpus: Bool

        public init(
            id: String, question: String, layer: Int?, head: Int?, about: String, corpus: Bool
        ) {
            self.id = id
            self.question = question
            self.layer = layer
            self.head = head
            self.about = about
            self.corpus = corpus
        }
    }

    public private(set) var answers: [Entry] = []

    /// Reads a manifest; nil is an empty one.
    public init(_ bytes: [UInt8]?) throws(DataTreeError) {
        guard let bytes else { return }
        do { self = try JSONDecoder().decode(LabManifest.self, checking: bytes) } catch {
            throw DataTreeError(
                "\(Self.path) in the data tree is not as expected; remove it and the folder it is in."
            )
        }
    }

    /// Where an answer lies in a tree.
    public static func path(_ id: String) -> String { "lab/\(id).json" }

    /// Where what is known of a question's prompts lies until it is answered.
    public static func progressPath(_ id: String) -> String { "lab/.\(id).progress" }

    /// The id in the name of such a file; nil for other names.
    public static func id(ofProgress name: String) -> String? {
        guard name.hasPrefix("."), name.hasSuffix(".progress") else { return nil }
        let id = String(name.dropFirst().dropLast(".progress".count))
        return isID(id) ? id : nil
    }

    /// Whether a text is an id, so that it is safe in a path.
    public static func isID(_ text: String) -> Bool {
        text.utf8.count == 16
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// Adds an answer; whether it was new.
    @discardableResult
    public mutating func add(_ entry: Entry) -> Bool {
        guard !answers.contains(where: { $0.id == entry.id }) else { return false }
        answers.append(entry)
        return true
    }

    /// Removes an answer; whether it was there.
    public mutating func remove(_ id: String) -> Bool {
        let before = answers.count
        answers.removeAll { $0.id == id }
        return answers.count < before
    }

    /// Keeps only entries that pass.
    public mutating func keep(where passes: (Entry) -> Bool) {
        answers = answers.filter(passes)
    }

    /// The manifest as JSON.
    public func json() -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.key("answers")
            json.array { json in for entry in answers { entry.write(to: &json) } }
        }
        return json.bytes
    }
}

extension LabManifest.Entry {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            for (name, text) in [("id", id), ("question", question), ("about", about)] {
                json.member(name, text)
            }
            for (name, number) in [("layer", layer), ("head", head)] {
                json.key(name)
                if let number { json.int(number) } else { json.null() }
            }
            json.member("corpus", corpus)
        }
    }
}
