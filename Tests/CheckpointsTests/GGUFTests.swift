// SPDX-License-Identifier: Apache-2.0

import Checkpoints
import Foundation
import TestSupport
import Testing
import UserErrors

@Suite struct GGUFTests {
    @Test func `metadata of every type reads back`() throws {
        let metadata = try Checkpoint(opening: fixture("small.gguf")).metadata
        #expect(metadata.string("general.architecture") == "llama")
        #expect(metadata.int("general.alignment") == 64)
        #expect(metadata.int("n.uint8") == 200)
        #expect(metadata.int("n.int8") == -100)
        #expect(metadata.int("n.uint16") == 60000)
        #expect(metadata.int("n.int16") == -30000)
        #expect(metadata.int("n.uint32") == 4_000_000_000)
        #expect(metadata.int("n.int32") == -2_000_000_000)
        #expect(metadata.int("n.int64") == -(1 << 62))
        #expect(metadata.float("x.float32") == Double(Float(0.1)))
        #expect(metadata.float("x.float64") == 0.1)
        #expect(metadata.bool("yes") == true)
        #expect(metadata.bool("no") == false)
        #expect(metadata.string("text") == "häd Ġvis")
        #expect(metadata.strings("tokens") == ["a", "", "Ġthe", "\n"])
        #expect(metadata.ints("numbers") == [1, -2, 3])
        #expect(metadata.floats("scores") == [0.5, -1.25])
    }

    @Test func `a value asked for as another type, too large or missing is nil`() throws {
        let metadata = try Checkpoint(opening: fixture("small.gguf")).metadata
        #expect(metadata.int("n.uint64") == nil)
        #expect(metadata.int("text") == nil)
        #expect(metadata.int("x.float32") == nil)
        #expect(metadata.int("numbers") == nil)
        #expect(metadata.ints("n.uint8") == nil)
        #expect(metadata.ints("scores") == nil)
        #expect(metadata.float("n.uint8") == nil)
        #expect(metadata.bool("n.uint8") == nil)
        #expect(metadata.string("tokens") == nil)
        #expect(metadata.strings("text") == nil)
        #expect(metadata.strings("absent") == nil)
    }

    @Test func `the tokenizer of a converted model is all there`() throws {
        let metadata = try Checkpoint(opening: fixture("llama-Q4_1.gguf")).metadata
        #expect(metadata.string("tokenizer.ggml.model") == "gpt2")
        #expect(metadata.strings("tokenizer.ggml.tokens")?.count == 288)
        #expect(metadata.ints("tokenizer.ggml.token_type")?.count == 288)
        #expect(metadata.int("llama.attention.head_count_kv") == 2)
        #expect((metadata.float("llama.attention.layer_norm_rms_epsilon") ?? 0) > 0)
    }

    @Test func `the bytes the tests build are a checkpoint, of version 2 too`() throws {
        for version: UInt32 in [2, 3] {
            var bytes = GGUFBytes()
            bytes.version = version
            let tensor = try open(bytes.data, as: "good.gguf").tensor("w", shape: [2, 32])
            #expect(tensor.type == .f32)
            #expect(tensor.widened() == [Float](repeating: 0, count: 64))
        }
    }

    @Test func `a type nobody knows only matters when that tensor is asked for`() throws {
        var bytes = GGUFBytes()
        bytes.type = 16
        let checkpoint = try open(bytes.data, as: "new.gguf")
        #expect(checkpoint.tensors["w"]?.type.widens == false)
        let error = #expect(throws: UserError.self) {
            try checkpoint.tensor("w", shape: [2, 32])
        }
        #expect(error?.description.contains("ggml type 16") == true)
    }

    /// One thing wrong with otherwise good bytes, and words of the answer.
    struct Fault: CustomTestStringConvertible, Sendable {
        let words: String
        let apply: @Sendable (inout GGUFBytes) -> Void
        var testDescription: String { words }

        init(_ words: String, _ apply: @escaping @Sendable (inout GGUFBytes) -> Void) {
            self.words = words
            self.apply = apply
        }
    }

    static let faults: [Fault] = [
        Fault("does not begin with \"GGUF\"") { $0.magic = Data("GGML".utf8) },
        Fault("version 1") { $0.version = 1 },
        Fault("version 4") { $0.version = 4 },
        Fault("big-endian") { $0.version = UInt32(3).byteSwapped },
        Fault("announces 18446744073709551615 tensors") { $0.tensorCount = .max },
        Fault("announces 1000 tensors") { $0.tensorCount = 1000 },
        Fault("key-value pairs") { $0.pairCount = 1 << 40 },
        Fault("bytes of a string") { $0.name = littleEndian(UInt64.max) },
        Fault("bytes of a string") { $0.name = littleEndian(UInt64(1 << 32)) },
        Fault("not UTF-8") { $0.name = littleEndian(UInt64(1)) + Data([0xff]) },
        Fault("5 dimensions") { $0.dimensions = [32, 1, 1, 1, 1] },
        Fault("4294967295 dimensions") { $0.dimensionCount = .max },
        Fault("cannot have") { $0.dimensions = [1 << 32, 1 << 32] },
        Fault("cannot have") { $0.dimensions = [.max] },
        Fault("cannot have") { $0.dimensions = [1 << 61] },
        Fault("cannot have") {
            $0.type = 3
            $0.dimensions = [33, 2]
        },
        Fault("cannot have") {
            $0.type = 12
            $0.dimensions = [128, 2]
        },
        Fault("beyond all bounds") { $0.offset = .max },
        Fault("not a multiple of 32") { $0.offset = 1 },
        Fault("ends before the end of the tensor") { $0.offset = 32 },
        Fault("ends before the end of the tensor") { $0.offset = 1 << 62 },
        Fault("ends before the end of the tensor") { $0.dataSize = 255 },
        Fault("overlap") { bytes in
            bytes.tensorCount = 2
            bytes.name = Data(GGUFBytes().tensor) + GGUFBytes.string("v")
        },
        Fault("two tensors named \"w\"") { bytes in
            bytes.tensorCount = 2
            bytes.name = Data(GGUFBytes().tensor) + bytes.name
            bytes.offset = 256
            bytes.dataSize = 512
        },
        Fault("unknown type 13") { $0.pairs = [GGUFBytes.pair("k", 13, Data(count: 8))] },
        Fault("two values for the key \"k\"") {
            $0.pairs = [
                GGUFBytes.pair("k", 0, Data([1])), GGUFBytes.pair("k", 0, Data([2])),
            ]
        },
        Fault("array elements") {
            let value = littleEndian(UInt32(4)) + littleEndian(UInt64(1) << 62)
            $0.pairs = [GGUFBytes.pair("k", 9, value)]
        },
        Fault("array elements") {
            let value = littleEndian(UInt32(8)) + littleEndian(UInt64(1000))
            $0.pairs = [GGUFBytes.pair("k", 9, value)]
        },
        Fault("nests arrays too deeply") {
            let level = littleEndian(UInt32(9)) + littleEndian(UInt64(1))
            let value = (0..<100).reduce(into: Data()) { data, _ in data += level }
            $0.pairs = [GGUFBytes.pair("k", 9, value)]
        },
    ]

    @Test(arguments: faults)
    func `a malformed file is refused with a reason`(fault: Fault) {
        var bytes = GGUFBytes()
        fault.apply(&bytes)
        expectRefusal(bytes.data, as: "bad.gguf", fault.words)
    }

    @Test(arguments: [0, 3, 48, UInt32.max])
    func `an alignment that is no power of two is refused`(alignment: UInt32) {
        var bytes = GGUFBytes()
        bytes.pairs = [GGUFBytes.pair("general.alignment", 4, littleEndian(alignment))]
        expectRefusal(bytes.data, as: "bad.gguf", "not a power of two")
    }

    @Test func `an alignment larger than the file is refused`() {
        var bytes = GGUFBytes()
        bytes.pairs = [GGUFBytes.pair("general.alignment", 4, littleEndian(UInt32(1) << 31))]
        expectRefusal(bytes.data, as: "bad.gguf", "ends before the end of the tensor")
    }

    @Test func `a file cut anywhere is refused`() throws {
        let whole = try Data(contentsOf: fixture("small.gguf"))
        // Behind the last tensor there is padding that nobody needs.
        let lastTensorEnd = whole.count - 64
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "cut.gguf")
            for length in 0..<lastTensorEnd {
                try refill(file, with: whole.prefix(length))
                #expect(throws: UserError.self, "cut at \(length)") {
                    try Checkpoint(opening: file)
                }
            }
        }
    }
}
