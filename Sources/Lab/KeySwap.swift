// SPDX-License-Identifier: Apache-2.0
// Queries of one place that meet keys of another: vectors moved along the sequence, and scores made of them.

import Attribution
import Foundation
import Transformer
import UserErrors

/// Makes a head's scores out of its queries and keys, wherever these come from.
struct ScoreRule {
    private let head: HeadAddress
    private let description: ModelDescription
    private let rotary: Rotary?

    init(_ head: HeadAddress, of description: ModelDescription) {
        self.head = head
        self.description = description
        rotary = description.layers[head.layer].rotary.map { description.rotaries[$0] }
    }

    /// Whether vectors know their position by a turn, so that they can be moved along the sequence. Elsewhere they
    /// keep what embeddings of positions gave them.
    var turns: Bool { rotary != nil }

    /// A query or key as it would be `steps` positions further on.
    func moved(_ vector: [Float], by steps: Int) -> [Float] {
        guard let rotary, steps != 0 else { return vector }
        var result = vector
        for (i, frequency) in rotary.inverseFrequencies.enumerated() {
            let (c, s) = (cos(Double(steps) * frequency), sin(Double(steps) * frequency))
            let pair = rotary.pair(i).to
            let (first, second) = (rotary.offset + pair.0, rotary.offset + pair.1)
            let (a, b) = (Double(vector[first]), Double(vector[second]))
            result[first] = Float(a * c - b * s)
            result[second] = Float(b * c + a * s)
        }
        return result
    }

    /// The score of a query and a key at the positions they are moved to, without what the model adds for the
    /// key's position alone.
    ///
    /// - Parameter capped: whether the model's soft cap, if it has one, is applied.
    func score(_ q: [Float], _ k: [Float], capped: Bool = true) -> Double {
        let product = zip(q, k).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        let score = product * Double(description.scoreScale)
        guard capped, let cap = description.scoreSoftCap.map(Double.init) else { return score }
        return cap * tanh(score / cap)
    }

    /// What is added to scores of the key at a position.
    func bias(_ key: Int) -> Double {
        description.keyBias.map { Double($0(head: head.head, key: key)) } ?? 0
    }
}

/// A row of scores with its softmax.
struct ScoreRow {
    /// By key, as they enter the softmax; only those that the query sees.
    let scores: [Int: Double]
    /// The logit of a learned sink that takes part without a key; nil where nothing is missing from the row.
    let sink: Double?

    /// The row of `edges`, which must be all that their query sees.
    init(_ edges: [EdgeObservation]) {
        scores = Dictionary(
            uniqueKeysWithValues: edges.compactMap { edge in
                edge.score.map { (edge.edge.key, Double($0)) }
            })
        let total = edges.reduce(0.0) { $0 + Double($1.attention) }
        let largest = edges.max { $0.attention < $1.attention }
        if total < 1 - 1e-4, let largest, let score = largest.score, largest.attention > 0 {
            sink = Double(score) + log((1 - total) / Double(largest.attention))
        } else {
            sink = nil
        }
    }

    init(scores: [Int: Double], sink: Double?) {
        self.scores = scores
        self.sink = sink
    }

    /// Attention by key.
    var attention: [Int: Double] {
        let largest = max(scores.values.max() ?? 0, sink ?? -.infinity)
        // In the order of the keys, so that equal questions get equal bytes.
        let sum = scores.sorted { $0.key < $1.key }.reduce(sink.map { exp($0 - largest) } ?? 0) {
            $0 + exp($1.value - largest)
        }
        return scores.mapValues { exp($0 - largest) / sum }
    }
}
