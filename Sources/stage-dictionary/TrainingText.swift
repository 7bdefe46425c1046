// SPDX-License-Identifier: Apache-2.0
// Which text a dictionary is trained on, and which it is tested on.

import FeatureDictionaries
import Sequences
import Stages
import Tensors
import UserErrors

/// The sequences of a corpus that are used: first those to train on, then those held out.
///
/// Who is used and who is held out follows from hashes of the text itself, so that neither depends on
/// the order of the corpus, and a document that occurs twice is never on both sides.
struct TrainingText {
    /// Indices of sequences of the corpus.
    let sequences: [Int]
    /// The row of each sequence's first token, and the end.
    let starts: [Int]
    /// How many of the sequences are trained on.
    let trainingSequences: Int
    /// What is on one side as a whole.
    let unit: String

    /// The share of the tokens that is held out, about.
    private static let heldOutShare = 0.1
    /// With fewer documents, sequences are held out instead.
    private static let fewestDocuments = 10

    /// Chooses sequences of at most `maxTokens` tokens together.
    init(_ corpus: TokenizedCorpus, maxTokens: Int, seed: UInt64) throws {
        let units = Self.units(corpus, seed: seed)
        unit = units.name
        var used: [(priority: UInt64, sequence: Int)] = []
        var total = 0
        for candidate in units.priorities.sorted(by: { ($0.0, $0.1) < ($1.0, $1.1) }) {
            guard total + corpus[candidate.1].count <= maxTokens else { break }
            total += corpus[candidate.1].count
            used.append(candidate)
        }
        // Units in the order of another hash: the first are held out.
        let sides = Dictionary(grouping: used) { units.hashes[$0.sequence] }
            .sorted { RandomStream.hash(~$0.key) < RandomStream.hash(~$1.key) }
        var (heldOut, training): ([Int], [Int]) = ([], [])
        var heldOutTokens = 0
        for (_, members) in sides {
            let isHeldOut = Double(heldOutTokens) < Self.heldOutShare * Double(total)
            for (_, sequence) in members {
                if isHeldOut {
                    heldOut.append(sequence)
                    heldOutTokens += corpus[sequence].count
                } else {
                    training.append(sequence)
                }
            }
        }
        guard !training.isEmpty, !heldOut.isEmpty else {
            throw UserError(
                "the corpus has \(total) tokens in \(used.count) sequences to use, too few to train on some and test on others; give more text or raise --max-tokens."
            )
        }
        sequences = training + heldOut
        trainingSequences = training.count
        starts = sequences.reduce(into: [0]) { $0.append(($0.last ?? 0) + corpus[$1].count) }
    }

    /// Number of tokens, and of those that are trained on.
    var tokens: Int { starts.last ?? 0 }
    var trainingTokens: Int { starts[trainingSequences] }

    /// For each sequence, the hash of its document (or of itself, if there are few documents) and its
    /// priority, which tells the sequences of a document apart.
    private static func units(
        _ corpus: TokenizedCorpus, seed: UInt64
    ) -> (hashes: [UInt64], priorities: [(UInt64, Int)], name: String) {
        let own = (0..<corpus.count).map { sequence in
            corpus[sequence].reduce(RandomStream.hash(seed)) {
                RandomStream.hash($0 ^ UInt64(UInt32(bitPattern: $1)))
            }
        }
        var documents = own
        var (count, first) = (0, 0)
        while first < corpus.count {
            let source = corpus.sources[first]
            let last = (first..<corpus.count).prefix { corpus.sources[$0] == source }
            let hash = last.reduce(0) { RandomStream.hash($0 ^ own[$1]) }
            for sequence in last { documents[sequence] = hash }
            count += 1
            first = last.upperBound
        }
        let priorities = (0..<corpus.count).map { (RandomStream.hash(own[$0]), $0) }
        return count < fewestDocuments
            ? (own, priorities, "sequence") : (documents, priorities, "document")
    }
}
