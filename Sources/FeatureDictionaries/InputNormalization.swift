// SPDX-License-Identifier: Apache-2.0
// What a dictionary does to a residual vector before its encoder reads it, and how to undo it.

import Tensors

/// The map from a residual vector x to what a dictionary was trained on, z = (x - offset) * gain.
public struct InputNormalization: Sendable, Equatable {
    /// The length of z; the names are SAELens'.
    public enum Rescaling: Sendable, Equatable {
        /// As it is (`none`, and `expected_average_only_in`, whose factor SAELens folds into the weights).
        case none
        /// The square root of the width (`constant_norm_rescale`).
        case constantNorm
        /// Mean 0 and standard deviation 1 (`layer_norm`).
        case layerNorm
    }

    /// How the vector is rescaled.
    public let rescaling: Rescaling
    /// Whether the mean over the dimensions is taken off first: TransformerLens'
    /// `center_writing_weights`, which takes it off everything that is written into the stream.
    public let isCentred: Bool

    /// No change at all.
    public static let none = InputNormalization(rescaling: .none, isCentred: false)

    /// A normalisation of these two steps.
    public init(rescaling: Rescaling, isCentred: Bool) {
        self.rescaling = rescaling
        self.isCentred = isCentred
    }

    /// What one vector is changed by: z = (x - offset) * gain, and back x = z * scale + offset.
    ///
    /// `scale` is 1 / gain, but for `layerNorm`, which SAELens divides by the deviation plus 1e-5 and
    /// multiplies by the deviation alone.
    struct Coefficients {
        var offset: Float = 0
        var gain: Float = 1
        var scale: Float = 1
    }

    /// The coefficients for `x`, [dModel]. Where SAELens would divide by a length of 0, the gain is 0.
    func coefficients(of x: UnsafePointer<Float>, dModel: Int) -> Coefficients {
        var result = Coefficients()
        if isCentred || rescaling == .layerNorm { result.offset = sum(x, dModel) / Float(dModel) }
        guard rescaling != .none else { return result }
        let squares = sumOfSquares(x, dModel, around: result.offset)
        switch rescaling {
        case .none: break
        case .constantNorm:
            result.scale = (squares / Float(dModel)).squareRoot()
            result.gain = result.scale > 0 ? 1 / result.scale : 0
        case .layerNorm:
            // torch.std divides by one less than there are.
            result.scale = (squares / Float(max(dModel - 1, 1))).squareRoot()
            result.gain = 1 / (result.scale + 1e-5)
        }
        return result
    }
}

extension FeatureDictionary {
    /// What the encoder sums up for a feature as a linear function of its input, with the normalisation held as it is
    /// at x: gain (direction · x) + constant. An activation follows from it (`Activation`).
    ///
    /// - Parameter x: [dModel].
    public func reading(
        of feature: Int, at x: [Float]
    ) -> (direction: ArraySlice<Float>, gain: Double, constant: Double) {
        let map = normalization.coefficients(of: x, dModel: dModel)
        let direction = encoder[feature * dModel..<(feature + 1) * dModel]
        var constant = Double(encoderBias[feature])
        for (i, w) in direction.enumerated() {
            let bias = subtractsDecoderBias ? Double(decoderBias[i]) : 0
            constant -= Double(w) * (Double(map.offset) * Double(map.gain) + bias)
        }
        return (direction, Double(map.gain), constant)
    }
}
