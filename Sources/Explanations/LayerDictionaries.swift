// SPDX-License-Identifier: Apache-2.0
// All that explains one layer's attention: dictionaries of what enters it, and of what its heads put out.

import Attribution
import FeatureDictionaries
import Foundation
import Transformer

/// The dictionaries of one layer.
public struct LayerDictionaries: Sendable {
    /// Of the residual stream that enters the layer.
    public let residual: LayerDictionary
    /// Of the outputs of its heads, where there is one.
    public let headOutputs: LayerDictionary?

    /// Loads the dictionaries of a layer; parameters and errors as of `LayerDictionary`.
    public init(
        ofLayer layer: Int, in folder: DictionaryFolder, work: URL, of model: ModelDescription
    ) throws {
        residual = try LayerDictionary(ofLayer: layer, in: folder, work: work, of: model)
        headOutputs = try LayerDictionary.headOutputs(ofLayer: layer, in: folder, of: model)
    }

    /// Layers whose heads' outputs a pass has to show.
    public var wholeLayers: Set<Int> {
        headOutputs.map { [$0.dictionary.layer] } ?? []
    }

    /// What the head of an observation writes, by the dictionary of heads' outputs; nil without one.
    public func written(at observation: EdgeObservation) -> WrittenFeatures? {
        headOutputs.map { WrittenFeatures(at: observation, $0.dictionary) }
    }

    /// Floats that they hold.
    public var size: Int {
        [residual, headOutputs].reduce(0) { $0 + 2 * ($1?.dictionary.encoder.count ?? 0) }
    }
}
