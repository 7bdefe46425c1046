// SPDX-License-Identifier: Apache-2.0
// Real checkpoints against Hugging Face transformers, where they are at hand: in models/ of the
// checkout or where an environment variable says. (Tests/Generators/real_models.py.)

import Foundation
import TestSupport
import Testing
import Transformer

/// A real checkpoint and the reference's numbers for one text.
struct RealModel: Sendable, CustomTestStringConvertible {
    /// Of the fixture.
    let name: String
    /// Environment variable with its place, otherwise its place under models/.
    let variable: String
    let path: String

    var testDescription: String { name }

    /// Nil when the checkpoint is not at hand.
    var url: URL? {
        let place = ProcessInfo.processInfo.environment[variable].map { URL(filePath: $0) }
        let checkout = Fixtures.root.deletingLastPathComponent().deletingLastPathComponent()
        let url = place ?? checkout.appending(path: "models/\(path)")
        return FileManager.default.fileExists(atPath: url.path) ? url : nil
    }

    static let smolLM2 = RealModel(
        name: "smollm2", variable: "HEADVIS_SMOLLM2", path: "SmolLM2-135M-Instruct.Q4_1.gguf")
    static let miniLM = RealModel(
        name: "minilm", variable: "HEADVIS_MINILM", path: "all-MiniLM-L6-v2")
}

extension OracleTests {
    @Test(.enabled("the checkpoint is not here") { RealModel.smolLM2.url != nil })
    func `SmolLM2 in Q4_1 attends as transformers says`() throws {
        try check(.smolLM2)
    }

    @Test(.enabled("the checkpoint is not here") { RealModel.miniLM.url != nil })
    func `MiniLM attends as transformers says`() throws {
        try check(.miniLM)
    }

    /// Thirty layers add up more rounding than the tiny models' two: attention within 1e-4.
    private func check(_ real: RealModel) throws {
        try expect(
            try Model(opening: try #require(real.url)),
            matches: Fixtures.url("real/\(real.name).h5"), looseness: 10)
    }
}
