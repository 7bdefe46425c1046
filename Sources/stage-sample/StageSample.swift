// SPDX-License-Identifier: Apache-2.0
// work/scan.h5 becomes work/sample.h5: which sequences are shown for each head.

import ArgumentParser
import AttentionStats
import Sampling
import Stages
import Transformer
import WorkFiles

@main
struct StageSample: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage-sample",
        abstract: "Samples sequences by activation interval for every studied head.",
        discussion: """
            All walked sequences are sorted by their largest attention and cut into equal intervals; \
            of each, a uniform sample is taken, and the highest also gets the head's exact top \
            sequences. How many there can be was settled when the corpus was scanned.
            """,
        version: toolVersion)

    @Option(help: "The scan to read.")
    var scan: String

    @Option(help: "Sequences sampled of each interval.")
    var samplesPerInterval = 20

    @Option(help: "How many of the very top sequences are added to the highest interval.")
    var topSequences = 10

    @Option(help: "The file to write.")
    var output: String

    func run() throws {
        try requireOutput(output, apartFrom: [scan])
        let scan = try ScanFile(scan)
        try check(samplesPerInterval, "--samples-per-interval", scan.header.samplesPerInterval)
        try check(topSequences, "--top-sequences", scan.header.topSequences)
        var provenance = scan.header.provenance
        provenance["samples_per_interval"] = .int(samplesPerInterval)
        provenance["top_sequences"] = .int(topSequences)
        let sampler = try HeadSampler(
            scan, samplesPerInterval: samplesPerInterval, top: topSequences)
        let writer = try SampleWriter(output, provenance: provenance, heads: scan.header.heads)
        var progress = Progress("sampling", unit: "heads", total: scan.header.heads.count)
        for head in scan.header.heads.indices {
            try writer.append(try sampler.sample(head))
            progress.update(head + 1)
        }
        try writer.finish()
        progress.finish(scan.header.heads.count)
    }

    private func check(_ value: Int, _ name: String, _ limit: Int) throws {
        guard (1...limit).contains(value) else {
            throw ValidationError(
                "\(name) must be from 1 to \(limit), for which the corpus was scanned; scan again for more."
            )
        }
    }
}
