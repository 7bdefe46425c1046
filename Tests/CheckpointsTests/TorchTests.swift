// SPDX-License-Identifier: Apache-2.0
// Pickles that want to do something are refused before anything happens; damaged ones too.

import Checkpoints
import Foundation
import TestSupport
import Testing
import UserErrors

@Suite struct TorchTests {
    @Test(arguments: [
        ("os-system-zip", "posix.system"), ("os-system-legacy", "posix.system"),
        ("os-system-bare", "posix.system"), ("eval", "eval"), ("getattr-chain", "getattr"),
        ("size-beyond-storage", "shape [40] on 8 numbers"), ("storage-shorter", "too few numbers"),
        ("storage-missing", "lacks the numbers"), ("path-key", "../../../etc/passwd"),
        ("truncated-zip", "cut zip archive"), ("truncated-legacy", "not there"),
        ("not-a-dict", "no dictionary"), ("empty", "is empty"),
    ])
    func `hostile files are refused with the reason`(name: String, reason: String) {
        let folder = Fixtures.url("torch/hostile-\(name)")
        let start = ContinuousClock.now
        let error = #expect(throws: UserError.self) { try Checkpoint(opening: folder) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
        #expect(ContinuousClock.now - start < .seconds(1))
    }

    /// Pickles that grow or nest without end, each a few bytes long.
    @Test(
        arguments: [
            [0x80, 2] + [UInt8](repeating: 0x5D, count: 10) + [UInt8](repeating: 0x61, count: 9) + [
                0x2E
            ],
            [0x80, 2, 0x29] + [UInt8](repeating: 0x85, count: 100_000) + [0x2E],
            [0x80, 2, 0x58, 0xFF, 0xFF, 0xFF, 0x7F],
            [0x80, 2, 0x8D] + [UInt8](repeating: 0xFF, count: 8),
            [0x80, 2, 0x68, 7, 0x2E], [0x2E], [0x80], [0x80, 2, 0x28, 0x28, 0x28, 0x74, 0x2E],
        ] as [[UInt8]])
    func `pickles that are no file of tensors are refused`(bytes: [UInt8]) throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "pytorch_model.bin")
            try Data(bytes).write(to: file)
            #expect(throws: UserError.self) { try Checkpoint(opening: file) }
        }
    }

    /// Found by fuzzing: what stood above a mark was released once too often when an instruction dropped it.
    @Test(arguments: [
        "4d5dff285d5d31ff", "287d287d7d7d7d7d7d317dd9", "2888288888318888878a028088888880288e8e",
    ])
    func `a pickle that drops lists is refused`(hexadecimal: String) throws {
        let digits = Array(hexadecimal)
        let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(digits[$0..<$0 + 2]), radix: 16)
        }
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "pytorch_model.bin")
            try Data(bytes).write(to: file)
            #expect(throws: UserError.self) { try Checkpoint(opening: file) }
        }
    }

    /// Flipped bytes and cuts anywhere: opened and read to the end, or refused.
    @Test(arguments: ["hostile-path-key", "gpt2-views", "gpt2-views-legacy"])
    func `damaged files are read or refused`(name: String) throws {
        let original = try Data(contentsOf: Fixtures.url("torch/\(name)/pytorch_model.bin"))
        var generator = SplitMix(state: 7)
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "pytorch_model.bin")
            for _ in 0..<400 {
                var data = original
                // The pickle stands in the first kilobytes, the directory in the last.
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let near = min(6000, data.count)
                    let place =
                        Bool.random(using: &generator)
                        ? Int.random(in: 0..<near, using: &generator)
                        : data.count - 1 - Int.random(in: 0..<near, using: &generator)
                    data[place] = UInt8.random(in: 0...255, using: &generator)
                }
                if Int.random(in: 0..<8, using: &generator) == 0 {
                    data = data.prefix(Int.random(in: 0..<data.count, using: &generator))
                }
                try data.write(to: file)
                guard let checkpoint = try? Checkpoint(opening: file) else { continue }
                for tensor in checkpoint.tensors.values where tensor.type.widens {
                    #expect(tensor.widened().count == tensor.rows * tensor.columns)
                }
            }
        }
    }
}
