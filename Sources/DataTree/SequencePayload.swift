// SPDX-License-Identifier: Apache-2.0
// A sequence with sparse attention, as head files and the backend's answers have it.

import JSON

/// One sequence of a head.
public struct SequencePayload: Sendable {
    public var id: SequenceID
    /// 1 (lowest) to the number of intervals; nil for custom sequences.
    public var interval: Int?
    /// Display strings, one a position.
    public var tokens: [String]
    /// q * tokens.count + k of each stored entry.
    public var attentionIndices: [Int]
    /// Parallel to the indices.
    public var attentionValues: [Float]
    public var maxActivation: Float

    /// One sequence of a head.
    public init(
        id: SequenceID, interval: Int?, tokens: [String], attentionIndices: [Int],
        attentionValues: [Float], maxActivation: Float
    ) {
        self.id = id
        self.interval = interval
        self.tokens = tokens
        self.attentionIndices = attentionIndices
        self.attentionValues = attentionValues
        self.maxActivation = maxActivation
    }

    /// Writes the sequence as an object.
    public func write(to json: inout JSONWriter) {
        json.object { json in
            json.key("sequence_id")
            id.write(to: &json)
            if let interval {
                json.key("interval")
                json.int(interval)
            }
            json.key("tokens")
            json.strings(tokens)
            json.key("attention_indices")
            json.ints(attentionIndices)
            json.key("attention_values")
            json.array { json in for value in attentionValues { json.number(value) } }
            json.key("seq_len")
            json.int(tokens.count)
            json.key("max_activation")
            json.number(maxActivation)
        }
    }
}
