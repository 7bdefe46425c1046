// SPDX-License-Identifier: Apache-2.0
// Where descriptions of features lie: beside a dictionary, or in what Neuronpedia exports.

import Foundation
import UserErrors

/// Finds descriptions. Neuronpedia exports a folder for each source (`5-gemmascope-res-16k`), in it
/// `explanations/batch-0.jsonl.gz` and so on.
enum DescriptionFiles {
    /// The files of descriptions in a place, in their order.
    ///
    /// - Parameters:
    ///   - place: a file, or a folder: with `descriptions.jsonl`, with a source's `explanations`, or with folders of
    ///     sources, of which that of `block` counts.
    ///   - block: what the dictionary's own name says.
    /// - Returns: none if there are none.
    static func find(in place: URL, block: Int?) throws -> [URL] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: place.path) else {
            return FileManager.default.fileExists(atPath: place.path) ? [place] : []
        }
        for name in ["descriptions.jsonl", "descriptions.jsonl.gz"] where names.contains(name) {
            return [place.appending(path: name)]
        }
        if names.contains("explanations") {
            return batches(in: place.appending(path: "explanations"))
        }
        if place.lastPathComponent == "explanations" { return batches(in: place) }
        let sources = names.sorted().filter { block != nil && Self.block(of: $0) == block }
            .map { place.appending(path: $0) }
            .filter {
                FileManager.default.fileExists(atPath: $0.appending(path: "explanations").path)
            }
        guard sources.count <= 1 else {
            throw UserError(
                "\(place.path): has several sources of descriptions for block \(block ?? 0) (\(sources.prefix(8).map(\.lastPathComponent).joined(separator: ", "))); DESCRIPTIONS names the folder of one."
            )
        }
        return try sources.first.map { try find(in: $0, block: block) } ?? []
    }

    /// The block that Neuronpedia's name of a source begins with.
    static func block(of source: String) -> Int? {
        let digits = source.prefix { $0 != "-" }
        return digits.count < source.count ? HookName.number(digits) : nil
    }

    /// batch-0.jsonl.gz and so on, by number; a batch that is there plain and compressed is taken once.
    private static func batches(in folder: URL) -> [URL] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        var byNumber: [Int: String] = [:]
        for name in names.sorted() {
            let stem = name.replacing(/\.jsonl(\.gz)?$/, with: "")
            guard stem != name, stem.hasPrefix("batch-"),
                let number = HookName.number(stem.dropFirst("batch-".count)),
                byNumber[number] == nil
            else { continue }
            byNumber[number] = name
        }
        return byNumber.sorted { $0.key < $1.key }.map { folder.appending(path: $0.value) }
    }
}
