// SPDX-License-Identifier: Apache-2.0
// Whether logits are attributed to heads, which takes a pass to the model's end.

import ArgumentParser
import Transformer
import UserErrors

/// When logits are attributed to heads.
public enum LogitAttribution: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// Where the last layer is studied, so that the pass comes near the end anyway, and the model has a direct path.
    case auto
    case always
    case never
}

/// The option for the attribution of logits.
public struct LensArguments: ParsableArguments {
    @Option(
        help:
            "Attribute the logits of attended and next tokens to heads: auto (where the last layer is studied), always or never."
    )
    public var lens = LogitAttribution.auto

    public init() {}

    /// The path from heads to logits; nil where it is not wanted, or where `auto` finds none.
    ///
    /// - Throws: `UserError` for a model without one, if it is wanted always.
    public func directPath(of loaded: LoadedModel, _ selection: HeadSelection) throws -> DirectPath?
    {
        switch lens {
        case .never: return nil
        case .always: return try DirectPath(loaded.model)
        case .auto:
            let last = loaded.model.description.attentionLayers.last
            guard selection.lastLayer == last else { return nil }
            do { return try DirectPath(loaded.model) } catch let error as UserError {
                note("no logits are attributed to heads: \(error)")
                return nil
            }
        }
    }
}
