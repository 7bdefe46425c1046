// SPDX-License-Identifier: Apache-2.0
// The work files of one scan, checked to belong together.

import Stages
import UserErrors
import WorkFiles

/// A scan and what the other stages made of it.
struct WorkSet {
    let scan: ScanFile
    let metrics: MetricsFile
    let sample: SampleReader
    let project: ProjectReader?
    let weights: WeightsFile?
    let writes: WritesFile?
    let map: MapFile?
    let probe: MetricsFile?
    let lab: LabFile?

    /// Opens the files, and refuses them unless all come from the same scan.
    init(
        scan scanPath: String, metrics metricsPath: String, sample samplePath: String,
        project projectPath: String?, weights weightsPath: String? = nil,
        writes writesPath: String? = nil, map mapPath: String? = nil,
        probe probePath: String? = nil, lab labPath: String? = nil
    ) throws {
        scan = try ScanFile(scanPath)
        metrics = try MetricsFile(metricsPath)
        sample = try SampleReader(samplePath, of: scan)
        project = try projectPath.map(ProjectReader.init)
        weights = try weightsPath.map { try WeightsFile($0) }
        if let weights, let weightsPath,
            weights.provenance.text("model_sha256")
                != scan.header.provenance.text("model_sha256")
        {
            throw UserError(
                "\(weightsPath): is of another model than \(scanPath); run stage-weights again.")
        }
        if let project, let projectPath {
            try Self.check(project.provenance, projectPath, "stage-project", against: scan)
        }
        lab = try labPath.map { try LabFile($0) }
        if let lab, let labPath,
            lab.provenance.text("model_sha256") != scan.header.provenance.text("model_sha256")
        {
            throw UserError(
                "\(labPath): is of another model than \(scanPath); run stage-lab again.")
        }
        writes = try writesPath.map { try WritesFile($0) }
        if let writes, let writesPath {
            try Self.check(writes.provenance, writesPath, "stage-writes", against: scan)
            guard writes.heads == scan.header.heads else {
                throw UserError("\(writesPath): has other heads than \(scanPath); run make again.")
            }
        }
        map = try mapPath.map { try MapFile($0) }
        if let map, let mapPath {
            try Self.check(map.provenance, mapPath, "stage-map", against: scan)
            guard map.heads == scan.header.heads else {
                throw UserError("\(mapPath): has other heads than \(scanPath); run make again.")
            }
        }
        probe = try probePath.map { try MetricsFile($0, schema: .probe) }
        if let probe, let probePath {
            guard
                probe.provenance.text("model_sha256")
                    == scan.header.provenance.text("model_sha256"),
                probe.heads == scan.header.heads
            else {
                throw UserError(
                    "\(probePath): is of another model or other heads than \(scanPath); run stage-probe again."
                )
            }
        }
        try Self.check(metrics.provenance, metricsPath, "stage-metrics", against: scan)
        try Self.check(sample.provenance, samplePath, "stage-sample", against: scan)
        guard metrics.heads == scan.header.heads, sample.heads == scan.header.heads else {
            throw UserError(
                "\(metricsPath) and \(samplePath): have other heads than \(scanPath); run make again."
            )
        }
    }

    /// The metrics of the studied heads: from the corpus, from the probe, and from weights where all heads have
    /// them.
    var metricColumns: [MetricsFile.Column] {
        let measured = metrics.metrics + (probe?.metrics ?? [])
        let places = Dictionary(
            uniqueKeysWithValues: (weights?.heads ?? []).enumerated().map { ($1, $0) })
        let indices = metrics.heads.compactMap { places[$0] }
        guard let weights, indices.count == metrics.heads.count else { return measured }
        return measured
            + weights.metrics.map { metric in
                MetricsFile.Column(
                    name: metric.name, about: metric.about,
                    values: indices.map { metric.values[$0] },
                    standardErrors: indices.map { _ in .nan })
            }
    }

    /// Whether stored sequences that lab.h5 names are those of this scan.
    var labIsOfCorpus: Bool {
        LabFile.corpusFacts.allSatisfy {
            lab?.provenance[$0] == scan.header.provenance[$0]
        }
    }

    /// The hash of the model's files.
    var modelHash: String { scan.header.provenance.text("model_sha256") ?? "" }

    /// Every fact of the scan must stand in the other file too, except those the other stage chose.
    private static func check(
        _ facts: Provenance, _ path: String, _ stage: String, against scan: ScanFile
    ) throws {
        let chosen: Set = ["samples_per_interval", "top_sequences"]
        for fact in scan.header.provenance.facts where !chosen.contains(fact.name) {
            guard facts[fact.name] == fact.value else {
                throw UserError(
                    "\(path): comes from another scan (its \(fact.name) differs); run \(stage) again."
                )
            }
        }
    }

    /// What every stage says of the run, for config.json.
    var provenance: Provenance {
        var all = scan.header.provenance
        for facts in [metrics.provenance, sample.provenance, project?.provenance ?? Provenance()] {
            for fact in facts.facts { all[fact.name] = fact.value }
        }
        return all
    }
}
