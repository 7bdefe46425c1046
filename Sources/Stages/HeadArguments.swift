// SPDX-License-Identifier: Apache-2.0
// LAYERS="5 8", LAYERS=all, HEADS="5.1 8.3": which heads are studied.

import Transformer
import UserErrors

extension HeadSelection {
    /// Reads the two parameters; with neither, every head.
    ///
    /// - Parameters:
    ///   - layers: layer numbers apart by spaces or commas, or "all".
    ///   - heads: layer.head (or L5H1) apart by spaces or commas.
    public init(layers: String, heads: String, of model: ModelDescription) throws {
        var addresses: [HeadAddress] = []
        let names = Self.words(layers)
        if names == ["all"] || (names.isEmpty && Self.words(heads).isEmpty) {
            addresses = HeadSelection(allOf: model).heads
        } else {
            for name in names {
                guard let layer = Int(name), (0..<model.nLayers).contains(layer) else {
                    throw UserError(
                        "LAYERS: there is no layer \"\(name)\"; the model has layers 0 to \(model.nLayers - 1)."
                    )
                }
                guard model.layers[layer].hasAttention else {
                    throw UserError(
                        "LAYERS: layer \(layer) has no attention heads; these have: \(model.attentionLayers.map(String.init).joined(separator: " "))."
                    )
                }
                addresses += (0..<model.nHeads).map { HeadAddress(layer: layer, head: $0) }
            }
        }
        for word in Self.words(heads) { addresses.append(try Self.address(word, of: model)) }
        self.init(addresses)
    }

    private static func words(_ text: String) -> [String] {
        text.split { $0.isWhitespace || $0 == "," }.map(String.init)
    }

    private static func address(
        _ word: String, of model: ModelDescription
    ) throws -> HeadAddress {
        let parts = word.uppercased().replacing("L", with: "").replacing("H", with: ".")
            .split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let layer = parts[0], let head = parts[1],
            (0..<model.nLayers).contains(layer), (0..<model.nHeads).contains(head)
        else {
            throw UserError(
                "HEADS: there is no head \"\(word)\"; the model has layers 0 to \(model.nLayers - 1) with heads 0 to \(model.nHeads - 1), written like 5.1."
            )
        }
        guard model.layers[layer].hasAttention else {
            throw UserError(
                "HEADS: layer \(layer) has no attention heads; these have: \(model.attentionLayers.map(String.init).joined(separator: " "))."
            )
        }
        return HeadAddress(layer: layer, head: head)
    }
}
