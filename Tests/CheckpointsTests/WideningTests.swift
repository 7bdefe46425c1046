// SPDX-License-Identifier: Apache-2.0

import Checkpoints
import Foundation
import TestSupport
import Testing

@Suite struct WideningTests {
    /// Values decoded by gguf-py, bit for bit.
    @Test func `every quantized type decodes to the reference values`() throws {
        let checkpoint = try Checkpoint(opening: fixture("random-blocks.gguf"))
        var expected = try ExpectedValues("random-blocks.f32")
        #expect(checkpoint.tensors.count == 12)
        for name in checkpoint.tensors.keys.sorted() {
            let tensor = try #require(checkpoint.tensors[name])
            #expect(name == "\(tensor.type).weight")
            let values = expected.next(tensor.rows * tensor.columns)
            #expect(sameBits(tensor.widened(), values), "\(name)")
        }
        #expect(expected.isAtEnd)
    }

    @Test func `a whole quantized model decodes to the reference values`() throws {
        let checkpoint = try Checkpoint(opening: fixture("llama-Q4_1.gguf"))
        var expected = try ExpectedValues("llama-Q4_1.f32")
        let shapes = [
            ("blk.0.attn_q.weight", [64, 64], 64), ("blk.1.attn_k.weight", [32, 64], 32),
            ("blk.1.ffn_down.weight", [64, 96], 16), ("token_embd.weight", [288, 64], 16),
        ]
        for (name, shape, rows) in shapes {
            let tensor = try checkpoint.tensor(name, shape: shape)
            #expect(tensor.type == .q4_1)
            let values = expected.next(rows * tensor.columns)
            #expect(sameBits(Array(tensor.widened().prefix(values.count)), values), "\(name)")
        }
        #expect(expected.isAtEnd)
    }

    @Test func `plain and quantized tensors of small gguf decode to the reference values`() throws {
        let checkpoint = try Checkpoint(opening: fixture("small.gguf"))
        var expected = try ExpectedValues("small-gguf.f32")
        for name in checkpoint.tensors.keys.sorted() {
            let tensor = try checkpoint.tensor(name, shape: [3, 64])
            #expect(sameBits(tensor.widened(), expected.next(3 * 64)), "\(name)")
        }
        #expect(expected.isAtEnd)
    }

    /// From the definition of the two formats, in Float64.
    @Test func `each of the 65536 halves and bfloat16s is widened exactly`() throws {
        let header = """
            {"b":{"dtype":"BF16","shape":[65536],"data_offsets":[0,131072]},\
            "h":{"dtype":"F16","shape":[65536],"data_offsets":[131072,262144]}}
            """
        var file = safetensors(header)
        for _ in 0..<2 {
            for bits in UInt16.min...UInt16.max { file += littleEndian(bits) }
        }
        let checkpoint = try open(file, as: "all.safetensors")
        let bfloats = try checkpoint.tensor("b", shape: [65536]).widened()
        let halves = try checkpoint.tensor("h", shape: [65536]).widened()
        var wrong = 0
        for bits in 0..<65536 {
            let asBFloat = value(bits, exponentBits: 8, mantissaBits: 7)
            let asHalf = value(bits, exponentBits: 5, mantissaBits: 10)
            if !same(bfloats[bits], asBFloat) || !same(halves[bits], asHalf) { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    private func value(_ bits: Int, exponentBits: Int, mantissaBits: Int) -> Double {
        let sign = bits >> 15 == 0 ? 1.0 : -1.0
        let largest = 1 << exponentBits - 1
        let exponent = bits >> mantissaBits & largest
        let fraction = Double(bits & (1 << mantissaBits - 1)) / Double(1 << mantissaBits)
        if exponent == largest { return fraction == 0 ? sign * .infinity : .nan }
        let bias = largest / 2
        return exponent == 0
            ? sign * fraction * pow(2, Double(1 - bias))
            : sign * (1 + fraction) * pow(2, Double(exponent - bias))
    }

    private func same(_ got: Float, _ want: Double) -> Bool {
        want.isNaN ? got.isNaN : Double(got) == want && got.sign == want.sign
    }

    @Test(arguments: ["random-blocks.gguf", "small.gguf", "small.safetensors"])
    func `rows one by one, in any order, are the rows of the whole`(name: String) throws {
        for tensor in try Checkpoint(opening: fixture(name)).tensors.values
        where tensor.type.widens {
            let whole = tensor.widened()
            var row = [Float](repeating: .nan, count: tensor.columns)
            for index in (0..<tensor.rows).reversed() {
                tensor.widen(row: index, into: &row)
                let range = index * tensor.columns..<(index + 1) * tensor.columns
                #expect(sameBits(row, Array(whole[range])), "\(tensor.name) row \(index)")
            }
            guard tensor.rows > 1 else { continue }
            var tail = [Float](repeating: .nan, count: (tensor.rows - 1) * tensor.columns)
            tensor.widen(rows: 1..<tensor.rows, into: &tail)
            #expect(sameBits(tail, Array(whole.dropFirst(tensor.columns))), "\(tensor.name)")
        }
    }

    @Test(arguments: ["random-blocks.gguf", "small.gguf", "small.safetensors", "llama-Q4_1.gguf"])
    func `the transpose has the columns as rows, whichever are asked for`(name: String) throws {
        for tensor in try Checkpoint(opening: fixture(name)).tensors.values
        where tensor.type.widens {
            let (rows, columns) = (tensor.rows, tensor.columns)
            let whole = tensor.widened()
            let ranges = [
                0..<columns, columns / 3..<columns, 0..<columns / 2, columns / 2..<columns / 2,
                columns * 2 / 3..<columns - columns / 8,
            ]
            for range in ranges {
                // One float more than is written, to notice a write too far.
                var got = [Float](repeating: -77, count: range.count * rows + 1)
                tensor.widenTransposed(columns: range, into: &got)
                let want = range.flatMap { c in (0..<rows).map { whole[$0 * columns + c] } }
                #expect(sameBits(got, want + [-77]), "\(tensor.name) \(range)")
            }
        }
    }

    @Test func `a tensor keeps its file mapped after the checkpoint and the file are gone`() throws
    {
        let tensor = try withTemporaryFolder { folder in
            let file = folder.appending(path: "copy.gguf")
            try FileManager.default.copyItem(at: fixture("small.gguf"), to: file)
            return try Checkpoint(opening: file).tensor("f32", shape: [3, 64])
        }
        let original = try Checkpoint(opening: fixture("small.gguf")).tensor("f32", shape: [3, 64])
        #expect(tensor.widened() == original.widened())
    }
}
