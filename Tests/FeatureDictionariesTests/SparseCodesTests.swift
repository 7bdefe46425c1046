// SPDX-License-Identifier: Apache-2.0
// Sparse codes as they are built row by row.

import FeatureDictionaries
import Testing

@Suite struct SparseCodesTests {
    @Test func `rows without codes are rows too`() {
        var codes = SparseCodes()
        codes.append(3, 0.5)
        codes.append(7, 2)
        codes.endRow()
        codes.endRow()
        #expect(codes.rows == 2)
        #expect(codes.range(of: 0) == 0..<2)
        #expect(codes.range(of: 1).isEmpty)
        codes.removeAll()
        #expect(codes == SparseCodes())
    }
}
