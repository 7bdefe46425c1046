// SPDX-License-Identifier: Apache-2.0
// Which parts make a whole: those of one run, each shard once, none missing.

import HDF5
import UserErrors

/// The parts of one run, as they are looked at one after the other.
public struct ShardSet {
    private struct Member {
        let path: String
        let shard: Shard
        let provenance: Provenance
        let fingerprint: String
    }

    private var first: Member?
    private var paths: [Int: String] = [:]

    /// No parts yet.
    public init() {}

    /// Takes in a part.
    ///
    /// - Parameters:
    ///   - provenance: equal in the parts of one run.
    ///   - fingerprint: likewise, of what the provenance does not tell.
    /// - Throws: when it is of another run, or there twice; both files are named.
    public mutating func add(
        _ path: String, _ shard: Shard, _ provenance: Provenance, fingerprint: String = ""
    ) throws {
        let member = Member(
            path: path, shard: shard, provenance: provenance, fingerprint: fingerprint)
        let first = self.first ?? member
        self.first = first
        guard (provenance, fingerprint) == (first.provenance, first.fingerprint) else {
            throw UserError(
                "\(path): is of another run than \(first.path) (\(Self.difference(provenance, first.provenance))); give the parts of one run."
            )
        }
        guard shard.count == first.shard.count else {
            throw UserError(
                "\(path): is shard \(shard), but \(first.path) is shard \(first.shard); give the parts of one run."
            )
        }
        if let other = paths.updateValue(path, forKey: shard.index) {
            throw UserError("\(other) and \(path): both are shard \(shard); give each shard once.")
        }
    }

    /// The parts' files in the order of their shards.
    ///
    /// - Throws: when some are missing; they are named.
    public func inOrder() throws -> [String] {
        guard let count = first?.shard.count else {
            throw UserError("there are no parts to merge.")
        }
        let missing = (1...count).filter { paths[$0] == nil }
        guard missing.isEmpty else {
            let names = missing.prefix(20).map { "\($0)/\(count)" }
            throw UserError(
                "of \(count) shards \(missing.count) are missing: \(names.joined(separator: " "))\(missing.count > 20 ? " ..." : ""); make them with --shard, and give all parts."
            )
        }
        return paths.sorted { $0.key < $1.key }.map(\.value)
    }

    /// What two runs differ in.
    private static func difference(_ mine: Provenance, _ theirs: Provenance) -> String {
        for name in (mine.facts + theirs.facts).map(\.name) where mine[name] != theirs[name] {
            // What stands in one of them alone was left alone in the other.
            let (here, there) = (mine[name].map(words), theirs[name].map(words))
            return "\(name) is \(here ?? "the default"), not \(there ?? "the default")"
        }
        return "their sequences are cut from the corpus in other ways"
    }
}

/// A fact's value as text; digests by their beginning.
private func words(_ value: H5AttributeValue) -> String {
    switch value {
    case .text(let text): text.count > 40 ? "\(text.prefix(12))..." : text
    case .int(let int): String(int)
    case .number(let number): "\(number)"
    }
}
