// SPDX-License-Identifier: Apache-2.0

import Foundation
import Tensors
import Testing

@Suite struct VectorMathTests {
    @Test func `exp agrees with the C library to 2e-7 relative over its range`() {
        var worst = 0.0
        for step in 0..<20_000 {
            let x = -86.9 + Float(step) * 0.0087
            let got = Double(Tensors.exp(Lanes(repeating: x))[3])
            let want = Foundation.exp(Double(x))
            worst = max(worst, abs(got - want) / want)
        }
        #expect(worst < 2e-7)
    }

    @Test func `exp of very small numbers is next to nothing, and of very large ones finite`() {
        #expect(Tensors.exp(Lanes(repeating: -1e30))[0] < 1e-37)
        #expect(Tensors.exp(Lanes(repeating: -1e30))[0] >= 0)
        #expect(Tensors.exp(Lanes(repeating: 1e30))[0].isFinite)
    }

    @Test func `tanh agrees with the C library`() {
        var worst = 0.0
        for step in -9_000..<9_000 {
            let x = Float(step) * 0.001
            let got = Double(Tensors.tanh(Lanes(repeating: x))[7])
            worst = max(worst, abs(got - Foundation.tanh(Double(x))))
        }
        #expect(worst < 3e-7)
    }

    @Test func `a product of small matrices is what the definition says`() {
        BLAS.prepare()
        let a: [Float] = [1, 2, 3, 4, 5, 6]  // [2, 3]
        let b: [Float] = [1, 0, 2, 0, 1, 1]  // [2, 3], read as [3, 2]
        var c = [Float](repeating: 9, count: 4)
        multiply(2, 2, 3, a, 3, .asStored, b, 3, .transposed, into: &c, 2)
        #expect(c == [7, 5, 16, 11])
    }
}
