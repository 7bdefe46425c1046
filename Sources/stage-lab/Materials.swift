// SPDX-License-Identifier: Apache-2.0
// What questions name besides prompts: the model, sequences of a scan, and dictionaries.

import Digests
import FeatureDictionaries
import Foundation
import Lab
import Stages
import Tensors
import Transformer
import UserErrors
import WorkFiles

/// The files behind the questions of one run.
final class Materials {
    /// Of the model's files.
    let modelSHA256: String
    private let scan: ScanFile?
    private let folder: DictionaryFolder?
    private let model: ModelDescription
    private var hashes: [Int: String] = [:]

    init(scan: String?, dictionaries: String?, _ choice: DictionaryChoice, of loaded: LoadedModel)
        throws
    {
        modelSHA256 = try sha256(of: loaded.model.checkpoint.files)
        self.scan = try scan.map { try ScanFile($0) }
        folder = dictionaries.map { DictionaryFolder(URL(filePath: $0), choice: choice) }
        model = loaded.model.description
    }

    /// The facts that lab.h5 states.
    func provenance(_ name: String) -> Provenance {
        var facts = Provenance()
        facts["tool_version"] = .text(toolVersion)
        facts["model"] = .text(name)
        facts["model_sha256"] = .text(modelSHA256)
        for name in LabFile.corpusFacts {
            if let fact = scan?.header.provenance[name] { facts[name] = fact }
        }
        return facts
    }

    /// The ids of a sequence of the scan.
    func sequence(_ id: String) throws -> [Int32] {
        guard let scan else {
            throw UserError(
                "a question about sequence \(id) needs the scan it is in; name it with --scan.")
        }
        guard let number = Int(id), (0..<scan.nSequences).contains(number) else {
            throw UserError("there is no sequence \(id) in the scan; it has \(scan.nSequences).")
        }
        return Array(scan.tokens(of: number))
    }

    /// The dictionary of a layer.
    func dictionary(ofLayer layer: Int) throws -> FeatureDictionary {
        try dictionaries(layer).open(layer: layer, of: model).dictionary
    }

    /// The hash of the dictionary of a layer.
    func dictionarySHA256(ofLayer layer: Int) throws -> String {
        if let known = hashes[layer] { return known }
        let folder = try dictionaries(layer)
        guard let files = try folder.locate(layer: layer) else {
            // Opening it says what there is, and what would train one.
            _ = try folder.open(layer: layer, of: model)
            throw UserError("\(folder.url.path): has no dictionary of layer \(layer).")
        }
        let hash = try sha256(of: files.files)
        hashes[layer] = hash
        return hash
    }

    private func dictionaries(_ layer: Int) throws -> DictionaryFolder {
        guard let folder else {
            throw UserError(
                "a question about features needs a dictionary of layer \(layer); name its folder with --dictionaries."
            )
        }
        return folder
    }

    /// The laboratory over all of these.
    func laboratory(_ loaded: LoadedModel, bos: Bool?, _ workers: Int) -> Laboratory {
        BLAS.prepare()
        return Laboratory(
            loaded, bos: bos, workers: workers, dictionaries: dictionary(ofLayer:),
            sequences: sequence)
    }
}
