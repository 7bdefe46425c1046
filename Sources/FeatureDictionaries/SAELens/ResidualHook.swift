// SPDX-License-Identifier: Apache-2.0
// Which layer's input a hook name means.

/// Names of places in the residual stream, as SAELens' configurations give them.
enum ResidualHook {
    /// What is understood, for messages.
    static let understood =
        "blocks.N.hook_resid_pre, blocks.N.hook_resid_post and names of whole blocks such as "
        + "model.layers.N, transformer.h.N and gpt_neox.layers.N"

    /// TransformerLens' names, old and new, and how many blocks after block N the layer lies.
    private static let lensNames = [
        "hook_resid_pre": 0, "hook_in": 0, "hook_resid_post": 1, "hook_out": 1,
    ]
    /// The lists of blocks in Hugging Face's models; a hook on a block reads its output.
    private static let blockLists: Set<String> = [
        "model.layers", "model.language_model.layers", "model.decoder.layers", "layers",
        "transformer.h", "transformer.blocks", "h", "gpt_neox.layers",
    ]

    /// The layer that the residual stream enters at the hook, or nil for any other place. It may lie
    /// beyond the last block.
    static func layer(of name: String) -> Int? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        if parts.count == 3, parts[0] == "blocks", let number = number(parts[1]) {
            return lensNames[String(parts[2])].map { number + $0 }
        }
        if let last = parts.last, let number = number(last),
            blockLists.contains(parts.dropLast().joined(separator: "."))
        {
            return number + 1
        }
        return nil
    }

    /// A plain number of at most six digits.
    private static func number(_ text: Substring) -> Int? {
        guard (1...6).contains(text.utf8.count),
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return Int(text)
    }

    /// The layer that a folder's name says, `L<layer>`, or nil.
    static func layer(ofFolder name: String) -> Int? {
        name.first == "L" ? number(name.dropFirst()) : nil
    }
}
