// SPDX-License-Identifier: Apache-2.0
// The curve that says how near two points of the picture are.

import Foundation
import UserErrors

/// 1 / (1 + a d^(2b)), fitted to 1 up to `minDist` and exp(-(d - minDist) / spread) beyond it.
public struct NearnessCurve: Sendable, Equatable {
    /// The curve's first parameter.
    public let a: Double
    /// The curve's second parameter.
    public let b: Double

    /// A curve that was fitted before.
    public init(a: Double, b: Double) {
        self.a = a
        self.b = b
    }

    /// Least squares on 300 distances from 0 to 3 spread, by Levenberg's and Marquardt's method from
    /// a = b = 1. With u = a d^(2b): df/da = -f^2 u / a, df/db = -f^2 u 2 ln d.
    ///
    /// - Throws: `UserError` unless 0 <= minDist <= spread and both are usable sizes.
    public init(minDist: Double, spread: Double = 1) throws {
        guard spread >= 1e-3, spread <= 1e3 else {
            throw UserError("spread is \(spread); pass a number from 0.001 to 1000.")
        }
        guard minDist >= 0, minDist <= spread else {
            throw UserError(
                "min_dist is \(minDist); pass a number from 0 to spread (\(spread)).")
        }
        let distances = (0..<300).map { 3 * spread * Double($0) / 299 }
        let wanted = distances.map { $0 < minDist ? 1 : exp(-($0 - minDist) / spread) }
        var fit = CurveFit(distances: distances, wanted: wanted)
        fit.run()
        self.init(a: fit.a, b: fit.b)
    }
}

/// The state of one least squares fit.
private struct CurveFit {
    let distances: [Double]
    let wanted: [Double]
    var a = 1.0
    var b = 1.0

    mutating func run() {
        var damping = 1e-3
        var error = squaredError(a, b)
        for _ in 0..<500 {
            let (stepA, stepB) = step(damping: damping)
            let newError = a + stepA > 0 ? squaredError(a + stepA, b + stepB) : .infinity
            guard newError < error else {
                damping *= 10
                if damping > 1e12 { return }
                continue
            }
            a += stepA
            b += stepB
            let gain = error - newError
            error = newError
            damping = max(damping / 10, 1e-12)
            if gain < 1e-15 * error { return }
        }
    }

    private func squaredError(_ a: Double, _ b: Double) -> Double {
        zip(distances, wanted).reduce(0) { sum, pair in
            let residual = 1 / (1 + a * pow(pair.0, 2 * b)) - pair.1
            return sum + residual * residual
        }
    }

    /// Solves (J^T J + damping diag(J^T J)) step = -J^T r.
    private func step(damping: Double) -> (Double, Double) {
        var (aa, ab, bb, ra, rb) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for (distance, value) in zip(distances, wanted) where distance > 0 {
            let u = a * pow(distance, 2 * b)
            let f = 1 / (1 + u)
            let (da, db) = (-f * f * u / a, -f * f * u * 2 * log(distance))
            aa += da * da
            ab += da * db
            bb += db * db
            ra += da * (f - value)
            rb += db * (f - value)
        }
        (aa, bb) = (aa * (1 + damping), bb * (1 + damping))
        let determinant = aa * bb - ab * ab
        guard determinant > 0 else { return (0, 0) }
        return ((ab * rb - bb * ra) / determinant, (ab * ra - aa * rb) / determinant)
    }
}
