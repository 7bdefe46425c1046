// SPDX-License-Identifier: Apache-2.0
// The dictionary of one layer of a model at hand.

import Transformer
import UserErrors

extension DictionaryFolder {
    /// Loads the dictionary of the residual stream that enters a layer of this model.
    ///
    /// - Throws: also when there is none, with what would train one.
    public func open(
        layer: Int, of model: ModelDescription
    ) throws -> (files: DictionaryFiles, dictionary: FeatureDictionary) {
        guard let files = try locate(layer: layer) else { throw lacking(layer: layer) }
        let dictionary = try files.dictionary(
            .residualStream, width: model.dModel, layers: model.nLayers,
            usesLayerNorm: model.usesLayerNorm)
        return (files, dictionary)
    }

    /// What to say where there is no dictionary of the residual stream that enters a layer.
    public func lacking(layer: Int) -> UserError {
        var others = others(layer: layer)
        if let files = try? locate(layer: layer, of: .headOutputs) {
            others.insert((files.path, DictionaryPlace.headOutputs.name), at: 0)
        }
        let known = others.prefix(3).map { "\($0.path) is of \($0.place)" }
        return UserError(
            "\(url.path): has no dictionary for layer \(layer)\(known.isEmpty ? "" : " (\(known.joined(separator: "; ")))"); make dictionary LAYERS=\(layer) trains one."
        )
    }

    /// Whether there is a dictionary of what enters a layer or of what its heads put out.
    public func hasDictionary(forLayer layer: Int) throws -> Bool {
        try locate(layer: layer) != nil || locate(layer: layer, of: .headOutputs) != nil
    }

    /// Loads the dictionary of the outputs of a layer's heads; nil when there is none.
    public func openHeadOutputs(
        layer: Int, of model: ModelDescription
    ) throws -> (files: DictionaryFiles, dictionary: FeatureDictionary)? {
        guard let files = try locate(layer: layer, of: .headOutputs) else { return nil }
        let shape = model.shape(of: layer)
        let dictionary = try files.dictionary(
            .headOutputs, width: shape.nHeads * shape.dValue, layers: model.nLayers,
            usesLayerNorm: model.usesLayerNorm)
        return (files, dictionary)
    }
}

extension ModelDescription {
    fileprivate var usesLayerNorm: Bool {
        if case .layer = norm { true } else { false }
    }
}
