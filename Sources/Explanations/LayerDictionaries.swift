// SPDX-License-Identifier: Apache-2.0
// All that explains one layer's attention: dictionaries of what enters it, and of what its heads put out.

import Attribution
import FeatureDictionaries
import Foundation
import Transformer

/// The dictionaries of one layer, of which there is at least one.
public struct LayerDictionaries: Sendable {
    /// Of the residual stream that enters the layer, where there is one.
    public let residual: LayerDictionary?
    /// Of the outputs of its heads, where there is one.
    public let headOutputs: LayerDictionary?

    /// Loads the dictionaries of a layer; parameters and errors as of `LayerDictionary`.
    public init(
        ofLayer layer: Int, in folder: DictionaryFolder, work: URL, of model: ModelDescription
    ) throws {
        headOutputs = try LayerDictionary.headOutputs(
            ofLayer: layer, in: folder, work: work, of: model)
        let isAlone = try headOutputs != nil && folder.locate(layer: layer) == nil
        residual =
            isAlone ? nil : try LayerDictionary(ofLayer: layer, in: folder, work: work, of: model)
    }

    /// What they explain: outputs of heads say nothing of scores.
    public var kinds: [AttributionKind] { residual == nil ? [.ov] : AttributionKind.allCases }

    /// Layers whose heads' outputs a pass has to show.
    public var wholeLayers: Set<Int> {
        headOutputs.map { [$0.dictionary.layer] } ?? []
    }

    /// Takes an edge apart by the dictionary of the residual stream; nil without one.
    ///
    /// - Parameter circuit: the head as it was at `observation`, where there is one.
    public func attributor(
        _ circuit: HeadCircuit?, at observation: EdgeObservation
    ) -> EdgeAttributor? {
        guard let residual, let circuit else { return nil }
        return EdgeAttributor(circuit, at: observation, residual.dictionary)
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
