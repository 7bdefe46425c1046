// SPDX-License-Identifier: Apache-2.0
// work/scan.h5 becomes work/metrics.h5: a cheap reduction, to be tweaked and rerun at will.

import ArgumentParser
import HeadMetrics
import Stages
import Transformer
import WorkFiles

@main
struct StageMetrics: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage-metrics",
        abstract: "Computes every metric of every studied head, with standard errors.",
        discussion: "The metrics and their formulas are in Sources/HeadMetrics/Metric.swift.",
        version: toolVersion)

    @Option(help: "The scan to read.")
    var scan: String

    @Option(help: "Pairs of at least this attention count for the token entropies; 0.1 to 1.")
    var attentionThreshold = 0.3

    @Option(
        help:
            "MiB that the sums of the heads that are read at a time may take; one head is always read."
    )
    var memory = 64

    @Option(help: "The file to write.")
    var output: String

    func validate() throws {
        guard (1...1 << 20).contains(memory) else {
            throw ValidationError("--memory must be from 1 to \(1 << 20), not \(memory).")
        }
    }

    func run() throws {
        try requireOutput(output, apartFrom: [scan])
        let scan = try ScanFile(scan)
        let lowest = scan.header.highAttention
        guard Float(attentionThreshold) >= lowest, attentionThreshold <= 1 else {
            throw ValidationError(
                "--attention-threshold must be from \(lowest) (the lowest that the scan keeps) to 1."
            )
        }
        var totals = HeadTotalsReader(
            scan, attentionThreshold: Float(attentionThreshold), memory: memory << 20)
        var progress = Progress("metrics", unit: "heads", total: scan.header.heads.count)
        let metrics =
            Metric.all
            // Something always goes to a learned sink, and logits were attributed or not.
            + (try totals.has(\.learnedSink) ? [.learnedSink] : [])
            + (try totals.has(\.logitQueries) ? Metric.directLogits : [])
        var estimates: [[Estimate]] = []
        for head in scan.header.heads.indices {
            let (whole, parts) = try totals.read(head)
            estimates.append(Metric.estimates(of: metrics, whole, leavingOut: parts))
            progress.update(head + 1)
        }
        var provenance = scan.header.provenance
        provenance["attention_threshold"] = .number(attentionThreshold)
        let columns = metrics.enumerated().map { i, metric in
            MetricsFile.Column(
                name: metric.name, about: metric.description,
                values: estimates.map { $0[i].value },
                standardErrors: estimates.map { $0[i].standardError ?? .nan })
        }
        try MetricsFile(provenance: provenance, heads: scan.header.heads, metrics: columns)
            .write(to: output)
        progress.finish(scan.header.heads.count)
    }
}
