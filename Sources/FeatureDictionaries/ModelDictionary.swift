// SPDX-License-Identifier: Apache-2.0
// The dictionary of one layer of a model at hand.

import Transformer
import UserErrors

extension DictionaryFolder {
    /// Loads the dictionary for a layer of this model.
    ///
    /// - Throws: also when there is none, with what would train one.
    public func open(
        layer: Int, of model: ModelDescription
    ) throws -> (files: DictionaryFiles, dictionary: FeatureDictionary) {
        guard let files = try locate(layer: layer) else {
            throw UserError(
                "\(url.path): has no dictionary for layer \(layer); make dictionary LAYERS=\(layer) trains one."
            )
        }
        var usesLayerNorm = false
        if case .layer = model.norm { usesLayerNorm = true }
        let dictionary = try files.dictionary(
            dModel: model.dModel, layers: model.nLayers, usesLayerNorm: usesLayerNorm)
        return (files, dictionary)
    }
}
