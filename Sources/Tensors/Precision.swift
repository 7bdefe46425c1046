// SPDX-License-Identifier: Apache-2.0

/// What the numbers of a product of weights are rounded to before they are multiplied; sums are Float32.
public enum Precision: String, Sendable, CaseIterable {
    /// The reference.
    case float32
    /// bfloat16: eight bits of precision, about twice as fast where the processor multiplies it.
    case bf16

    /// Refuses a precision that this machine cannot compute in.
    ///
    /// - Throws: `UserError` without the library or the instructions for it.
    public func requireSupport() throws {
        if self == .bf16 { _ = try OneDNN.loaded.get() }
    }
}
