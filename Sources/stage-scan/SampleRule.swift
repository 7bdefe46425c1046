// SPDX-License-Identifier: Apache-2.0
// Which attention patterns are kept as candidates for the samples.

import Sampling
import Transformer
import WorkFiles

/// Whether the pattern of a head on a sequence is kept: by hash, so that shards need not ask each other.
struct SampleRule {
    private let threshold: UInt64
    private let priorities: [Priority]

    /// The rule of a scan.
    init(_ header: ScanHeader) {
        threshold = header.priorityThreshold
        priorities = header.heads.map {
            Priority(seed: header.seed, layer: $0.layer, head: $0.head)
        }
    }

    /// Whether it is kept; the head by its index, the sequence by its id.
    func keeps(head: Int, sequence: Int) -> Bool {
        threshold == .max || priorities[head](sequence) < threshold
    }
}
