// SPDX-License-Identifier: Apache-2.0
// What makes two scans the same run: equal in all of its shards, whatever machine they ran on.

import Digests
import Sequences
import WorkFiles

/// The SHA-256, in hexadecimal, of a scan's provenance (model, corpus, every parameter) and of the
/// sequences it walks. Paths are left out, as machines may have their files in different places.
func fingerprint(_ header: ScanHeader, _ corpus: TokenizedCorpus) -> String {
    let hash = SHA256()
    for fact in header.provenance.facts {
        hash.update("\(fact.name)=\(fact.value)\0")
    }
    corpus.tokens.withUnsafeBytes { hash.update($0) }
    corpus.starts.withUnsafeBytes { hash.update($0) }
    corpus.sources.flatMap { [$0.file, $0.line] }.withUnsafeBytes { hash.update($0) }
    return hexadecimal(hash.finalize())
}
