// SPDX-License-Identifier: Apache-2.0
// stage-probe on a model whose induction heads are known.

import Foundation
import TestSupport
import Testing
import Transformer
import WorkFiles

@Suite struct ProbeStageTests {
    private func probe(_ folder: URL, _ name: String, _ options: [String] = []) throws
        -> MetricsFile
    {
        let path = folder.appending(path: "\(name).h5").path
        let result = try run(
            "stage-probe",
            [
                "--model", Fixtures.url("models/induction-gpt2").path, "--length", "20",
                "--sequences", "16", "--output", path,
            ] + options)
        try #require(result.status == 0, "\(result.errors)")
        return try MetricsFile(path, schema: .probe)
    }

    private struct Expected: Decodable {
        struct Head: Decodable {
            let layer: Int
            let head: Int
            let induction_score: Double
        }
        let heads: [Head]
    }

    @Test func `the induction heads of a model that has some match prefixes, and no others`() throws
    {
        let expected = try JSONDecoder().decode(
            Expected.self,
            from: Data(contentsOf: Fixtures.url("models/induction-gpt2/expected.json")))
        let known = expected.heads.filter { $0.induction_score > 0.3 }
            .map { HeadAddress(layer: $0.layer, head: $0.head) }
        #expect(!known.isEmpty && known.count < expected.heads.count)
        try withTemporaryFolder { folder in
            let file = try probe(folder, "probe")
            let matching = try #require(
                file.metrics.first { $0.name == "prefix_matching_score" })
            let found = zip(file.heads, matching.values).filter { $0.1 > 0.3 }.map(\.0)
            #expect(found == known.sorted())
            #expect(matching.standardErrors.allSatisfy { $0 >= 0 && $0 < 0.1 })
            // The model repeats what it finds: its induction heads raise the token that they attend to.
            let copying = try #require(file.metrics.first { $0.name == "repeat_copying" })
            let copied = zip(file.heads, copying.values).filter { known.contains($0.0) }.map(\.1)
            #expect(copied.reduce(0, +) > 1, "\(copied)")
        }
    }

    @Test func `seed and model make the bytes, not the workers; logits can be left out`() throws {
        try withTemporaryFolder { folder in
            let one = try probe(folder, "one", ["--workers", "1"])
            #expect(try probe(folder, "three", ["--workers", "3"]) == one)
            func bytes(_ name: String) throws -> Data {
                try Data(contentsOf: folder.appending(path: "\(name).h5"))
            }
            #expect(try bytes("one") == bytes("three"))
            #expect(try probe(folder, "seed", ["--seed", "1"]).metrics != one.metrics)
            let without = try probe(folder, "never", ["--lens", "never"])
            #expect(without.metrics.map(\.name) == ["prefix_matching_score"])
            #expect(without.metrics[0] == one.metrics[0])
        }
    }
}
