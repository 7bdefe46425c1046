// SPDX-License-Identifier: Apache-2.0
// The parts of one collection of evidence: that they belong together and are complete, and what they make.

import Explanations
import FeatureDictionaries
import Foundation
import Stages
import UserErrors
import WorkFiles

/// All parts of a collection of evidence. One of them is open at a time.
struct EvidenceParts {
    private let paths: [String]
    private let first: FeaturesPart
    private let plan: EvidencePlan

    /// Features that are put together at a time: their firings are in memory, and each part is opened once for them.
    private static let blockSize = 16_384
    /// Features of one part that are read at a time.
    private static let portionSize = 1024

    /// Looks at the parts.
    ///
    /// - Throws: when one is of another run, there twice, or missing; it is named.
    init(_ paths: [String]) throws {
        var shards = ShardSet()
        for path in paths {
            let part = try FeaturesPart(path)
            var whole = part.dictionaries.reduce(part.provenance) {
                $0.adding($1.facts, prefix: "\($1.name) ")
            }
            whole["tokens"] = .int(part.tokens)
            whole["window"] = .text("\(part.window.before) of \(part.window.tokens)")
            try shards.add(path, part.shard, whole)
        }
        self.paths = try shards.inOrder()
        first = try FeaturesPart(self.paths[0], isChecked: true)
        guard let plan = first.provenance.plan, first.window == (plan.window, plan.before) else {
            throw UserError("\(self.paths[0]): what it keeps of a firing cannot be; make it again.")
        }
        self.plan = plan
    }

    /// Writes a file for each dictionary into the folder: all of them at once, as a merge that is killed is done again from
    /// the same parts. Memory grows with the features, and not with the parts.
    func merge(into folder: URL) throws {
        let displayed = try vocabulary()
        let files = try first.dictionaries.map { try evidenceFile(of: $0, in: folder).path }
        for file in files { try requireOutput(file, apartFrom: paths) }
        var outputs: [WorkFileWriter] = []
        for (dictionary, file) in zip(first.dictionaries, files) {
            var writer = FeaturesWriter()
            var progress = Progress(
                "evidence of \(dictionary.name)", unit: "features", total: dictionary.features)
            for start in stride(from: 0, to: dictionary.features, by: Self.blockSize) {
                let features = start..<min(start + Self.blockSize, dictionary.features)
                for evidence in try joined(dictionary.name, features) {
                    writer.append(FeatureRecord(evidence))
                }
                progress.update(features.upperBound)
            }
            outputs.append(
                try writer.begin(
                    file, provenance: first.provenance.adding(dictionary.facts),
                    layer: dictionary.layer, tokens: first.tokens
                ) { displayed[$0] ?? "<id \($0)>" })
            progress.finish(dictionary.features)
        }
        for output in outputs { try output.finish() }
    }

    /// The evidence of some features of a dictionary over all parts.
    private func joined(_ name: String, _ features: Range<Int>) throws -> [FeatureEvidence] {
        var joins = features.map { EvidenceJoin(feature: $0, plan) }
        for path in paths {
            let part = try FeaturesPart(path, isChecked: true)
            guard let dictionary = part.dictionaries.first(where: { $0.name == name }) else {
                throw UserError("\(path): has no part of \(name); make it again.")
            }
            let portions = try part.portions(of: dictionary)
            for start in stride(
                from: features.lowerBound, to: features.upperBound, by: Self.portionSize)
            {
                let rows = start..<min(start + Self.portionSize, features.upperBound)
                for (feature, record) in zip(rows, try portions.records(of: rows)) {
                    joins[feature - features.lowerBound].add(FeaturePortion(record))
                }
            }
        }
        return joins.map(\.evidence)
    }

    private func evidenceFile(
        of dictionary: FeaturesPart.Dictionary, in folder: URL
    ) throws -> URL {
        // The name comes from a file, and is not to lead out of the folder.
        let place = DictionaryPlace.allCases.first {
            DictionaryFolder.name(ofLayer: dictionary.layer, of: $0) == dictionary.name
        }
        guard let place else {
            throw UserError(
                "\(paths[0]): \(dictionary.name) is no layer's dictionary; make it again.")
        }
        return LayerDictionary.evidence(ofLayer: dictionary.layer, of: place, in: folder)
    }

    private func vocabulary() throws -> [Int32: String] {
        try paths.reduce(into: [:]) { all, path in
            all.merge(try FeaturesPart(path, isChecked: true).vocabulary()) { first, _ in first }
        }
    }
}
