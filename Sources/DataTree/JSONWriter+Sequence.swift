// SPDX-License-Identifier: Apache-2.0
// A sequence with sparse attention, as head files and the backend's answers have it.

import AttentionStats
import JSON

extension JSONWriter {
    /// Writes a sequence with what one head does on it.
    ///
    /// - Parameters:
    ///   - interval: 1 (lowest) to the number of intervals; nil for custom sequences.
    ///   - tokens: for people, one a position.
    ///   - pairs: the stored attention.
    ///   - maxActivation: the head's largest activation there.
    ///   - tokenIDs: of custom sequences, which are in no scan.
    public mutating func sequence(
        _ id: SequenceID, interval: Int? = nil, tokens: [String], pairs: [AttentionPair],
        maxActivation: Float, tokenIDs: [Int32]? = nil
    ) {
        object { json in
            json.key("sequence_id")
            id.write(to: &json)
            if let interval {
                json.member("interval", interval)
            }
            json.key("tokens")
            json.strings(tokens)
            json.attention(pairs, length: tokens.count, maxActivation: maxActivation)
            if let tokenIDs {
                json.key("token_ids")
                json.ints(tokenIDs.lazy.map(Int.init))
            }
        }
    }

    /// Writes the members of an object that tell what one head does on a sequence of `length` tokens.
    public mutating func attention(
        _ pairs: [AttentionPair], length: Int, maxActivation: Float
    ) {
        key("attention_indices")
        ints(pairs.lazy.map { Int($0.query) * length + Int($0.key) })
        key("attention_values")
        array { json in for pair in pairs { json.number(pair.attention) } }
        key("seq_len")
        int(length)
        key("max_activation")
        number(maxActivation)
    }
}
