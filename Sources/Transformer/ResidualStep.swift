// SPDX-License-Identifier: Apache-2.0
// What happens to the residual stream on its way through the blocks, one step at a time.

/// One step of one sequence's residual stream. The pointer is valid during the call only.
public struct ResidualStep {
    /// What was done.
    public enum Kind: Sendable {
        /// Tokens, with their positions and types, became the stream.
        case embedding
        /// What the heads wrote was added, with the bias and the norm of their projection.
        case attention
        /// What a layer has instead of heads was added (gated delta nets).
        case linearAttention
        /// The output of MLP or experts was added.
        case feedForward
        /// The layer's own embedding of the tokens was added (Gemma 4).
        case perLayerInput
        /// The stream became its norm.
        case norm(NormWeights)
        /// The stream was multiplied.
        case scale(Float)
    }

    public let kind: Kind
    /// The block in which it happened; 0 for the embedding.
    public let layer: Int
    /// The sequence's index in the batch.
    public let sequence: Int
    /// Its number of tokens.
    public let length: Int
    /// Width of the residual stream.
    public let dModel: Int
    /// [length, dModel]: the stream after the step.
    public let residual: UnsafePointer<Float>
}

/// Whom a block tells of the steps of one sequence.
struct ResidualWatch {
    private let visitor: any AttentionVisitor
    private let layer: Int
    private let sequence: Int
    private let length: Int
    private let dModel: Int

    /// Nil for a visitor that does not follow the residual stream.
    init?(_ visitor: some AttentionVisitor, layer: Int, sequence: Int, length: Int, dModel: Int) {
        guard visitor.followsResidual else { return nil }
        self.visitor = visitor
        self.layer = layer
        self.sequence = sequence
        self.length = length
        self.dModel = dModel
    }

    /// Tells of a step that left the stream as `x`.
    func callAsFunction(_ kind: ResidualStep.Kind, _ x: UnsafePointer<Float>) {
        visitor.passed(
            ResidualStep(
                kind: kind, layer: layer, sequence: sequence, length: length, dModel: dModel,
                residual: x))
    }
}
