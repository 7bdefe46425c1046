// SPDX-License-Identifier: Apache-2.0
// The tokenizer metadata of a GGUF file, as plain values.

/// What the `tokenizer.ggml.*` keys of a GGUF file say.
public struct GGUFVocabulary: Sendable {
    /// `model`: "gpt2" (byte-level BPE), "llama" (SentencePiece BPE), "t5" (Unigram), "bert".
    public var model: String
    /// `pre`: which pre-tokenizer a "gpt2" model has.
    public var pre: String?
    /// `tokens`, by id.
    public var tokens: [String]
    /// `merges`: "left right", in the order of their ranks.
    public var merges: [String]
    /// `scores`, by id.
    public var scores: [Float]
    /// `token_type`, by id: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
    public var tokenTypes: [Int32]
    /// `bos_token_id`.
    public var bosID: Int32?
    /// `eos_token_id`.
    public var eosID: Int32?
    /// `unknown_token_id`.
    public var unknownID: Int32?
    /// `seperator_token_id` (GGUF spells it so).
    public var separatorID: Int32?
    /// `cls_token_id`.
    public var classificationID: Int32?
    /// `add_bos_token`.
    public var addBOS: Bool?
    /// `add_eos_token`.
    public var addEOS: Bool?
    /// `add_space_prefix`.
    public var addSpacePrefix: Bool?
    /// `precompiled_charsmap`.
    public var precompiledCharacterMap: [UInt8]

    /// A vocabulary without merges, scores or special tokens; set what the file has.
    public init(
        model: String, pre: String? = nil, tokens: [String], merges: [String] = [],
        scores: [Float] = [], tokenTypes: [Int32] = [], bosID: Int32? = nil, eosID: Int32? = nil,
        unknownID: Int32? = nil, separatorID: Int32? = nil, classificationID: Int32? = nil,
        addBOS: Bool? = nil, addEOS: Bool? = nil, addSpacePrefix: Bool? = nil,
        precompiledCharacterMap: [UInt8] = []
    ) {
        self.model = model
        self.pre = pre
        self.tokens = tokens
        self.merges = merges
        self.scores = scores
        self.tokenTypes = tokenTypes
        self.bosID = bosID
        self.eosID = eosID
        self.unknownID = unknownID
        self.separatorID = separatorID
        self.classificationID = classificationID
        self.addBOS = addBOS
        self.addEOS = addEOS
        self.addSpacePrefix = addSpacePrefix
        self.precompiledCharacterMap = precompiledCharacterMap
    }
}
