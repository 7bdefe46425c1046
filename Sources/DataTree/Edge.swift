// SPDX-License-Identifier: Apache-2.0
// One edge of attention, and what it is called in files.

import JSON
import Transformer

/// How much a query of a sequence attends to a key, in one head.
public struct Edge: Hashable, Sendable {
    public let head: HeadAddress
    public let sequence: SequenceID
    /// The query, from 0.
    public let query: Int
    /// The key, from 0.
    public let key: Int

    /// The edge from `key` to `query`.
    public init(_ head: HeadAddress, _ sequence: SequenceID, query: Int, key: Int) {
        self.head = head
        self.sequence = sequence
        self.query = query
        self.key = key
    }

    /// Writes [sequence, query, key], as the files of one head have it.
    public func writeTriple(to json: inout JSONWriter) {
        json.array { json in
            sequence.write(to: &json)
            json.int(query)
            json.int(key)
        }
    }
}

extension Edge: LosslessStringConvertible {
    /// `L5H1S12Q7K3`, as in the names of the files about it.
    public var description: String { "\(head)S\(sequence)Q\(query)K\(key)" }

    /// Reads such a name.
    public init?(_ name: String) {
        guard let match = name.wholeMatch(of: /L(\d+)H(\d+)S(c?[0-9a-f]+)Q(\d+)K(\d+)/),
            let layer = Int(match.1), let head = Int(match.2),
            let sequence = SequenceID(String(match.3)),
            let query = Int(match.4), let key = Int(match.5)
        else { return nil }
        self.init(HeadAddress(layer: layer, head: head), sequence, query: query, key: key)
    }
}
