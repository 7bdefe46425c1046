// SPDX-License-Identifier: Apache-2.0
// Which output the O cloud of an edge shows.

import HDF5

/// What a point of an O cloud is, before W_O.
public enum CloudOutput: String, Sendable, CaseIterable {
    /// z, all that the head puts out at the query.
    case query
    /// A[q,k] v_k, what comes from this key alone. The gate of a head that has one is not in it.
    case edge

    /// The vectors of n edges, [n, d]: `z` at their queries and `v` at their keys, [n, d], under `attention`, [n].
    public func vectors(z: [Float], v: [Float], attention: [Float]) -> [Float] {
        switch self {
        case .query: return z
        case .edge:
            guard !attention.isEmpty else { return [] }
            let width = v.count / attention.count
            var carried = v
            for (i, weight) in attention.enumerated() {
                for j in i * width..<(i + 1) * width { carried[j] *= weight }
            }
            return carried
        }
    }

    static let fact = "cloud_output"

    /// What the clouds of a file show; files that do not say so show all of the head's output.
    init(_ provenance: Provenance, path: String) throws(H5Error) {
        guard let name = provenance.text(Self.fact) else {
            self = .query
            return
        }
        guard let output = CloudOutput(rawValue: name) else {
            throw H5Error(
                file: path, object: Self.fact,
                problem: "is \(name), which is no output of clouds; run stage-project again")
        }
        self = output
    }
}

extension Provenance {
    /// Notes what clouds show, where it is not all of the head's output.
    public mutating func note(_ output: CloudOutput) {
        if output != .query { self[CloudOutput.fact] = .text(output.rawValue) }
    }
}
