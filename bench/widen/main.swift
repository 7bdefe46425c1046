// SPDX-License-Identifier: Apache-2.0
// How fast each stored type is widened to Float32: elements a second of one core.
//
//     swift run -c release bench-widen [FILE]
//
// Without FILE, synthetic checkpoints of each type, [4096, 4096], are written to the temporary folder
// and read through the same mapping a scan uses. With it, every tensor of that checkpoint is widened.

import Checkpoints
import Foundation

/// Seconds that `body` takes: the median of `count` runs after one that warms caches and page tables.
func medianSeconds(of count: Int = 9, _ body: () -> Void) -> Double {
    body()
    let clock = ContinuousClock()
    let times = (0..<count).map { _ in clock.measure(body) / .seconds(1) }
    return times.sorted()[count / 2]
}

func report(_ name: String, _ work: String, elements: Int, bytes: Int, seconds: Double) {
    let title = (name + " " + work).padding(toLength: 28, withPad: " ", startingAt: 0)
    let rates = String(
        format: "%6.2f G elements/s %7.1f GB/s read", Double(elements) / seconds / 1e9,
        Double(bytes) / seconds / 1e9)
    print(title + rates)
}

/// Widens `tensor` eight rows at a time into the same buffer (in cache), then whole (to memory), then
/// transposed.
func measure(_ tensor: StoredTensor, bytes: Int) {
    let elements = tensor.rows * tensor.columns
    // On a cache line, as the matrices of a scan are.
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 4 * elements, alignment: 64)
    let destination = memory.initializeMemory(as: Float.self, repeating: 0, count: elements)
    defer { memory.deallocate() }
    let name = "\(tensor.type)"
    let inCache = medianSeconds {
        for row in stride(from: 0, to: tensor.rows - 7, by: 8) {
            tensor.widen(rows: row..<row + 8, into: destination)
        }
    }
    report(name, "8 rows at a time", elements: elements, bytes: bytes, seconds: inCache)
    let whole = medianSeconds { tensor.widen(rows: 0..<tensor.rows, into: destination) }
    report(name, "whole", elements: elements, bytes: bytes, seconds: whole)
    let transposed = medianSeconds {
        tensor.widenTransposed(columns: 0..<tensor.columns, into: destination)
    }
    report(name, "transposed", elements: elements, bytes: bytes, seconds: transposed)
}

/// A GGUF file with one tensor of `rows` x `columns` elements in ggml's type `number`.
func synthetic(_ number: UInt32, _ rows: Int, _ columns: Int, bytes: Int) -> Data {
    func data<Number: FixedWidthInteger>(_ value: Number) -> Data {
        withUnsafeBytes(of: value.littleEndian) { Data($0) }
    }
    var file = Data("GGUF".utf8) + data(UInt32(3)) + data(UInt64(1)) + data(UInt64(0))
    file += data(UInt64(1)) + Data("w".utf8) + data(UInt32(2))
    file += data(UInt64(columns)) + data(UInt64(rows)) + data(number) + data(UInt64(0))
    file += Data(count: (32 - file.count % 32) % 32)
    // 0x3c is a sane byte in every place, scales included: no infinities and no denormals.
    return file + Data(repeating: 0x3c, count: bytes)
}

let side = 4096
/// ggml's number of a type, elements and bytes of its blocks.
let types: [(number: UInt32, elements: Int, bytes: Int)] = [
    (0, 1, 4), (1, 1, 2), (30, 1, 2), (28, 1, 8), (8, 32, 34), (2, 32, 18), (3, 32, 20),
    (6, 32, 22), (7, 32, 24), (20, 32, 18), (10, 256, 84), (11, 256, 110), (12, 256, 144),
    (13, 256, 176), (14, 256, 210), (23, 256, 136),
]

if CommandLine.arguments.count > 1 {
    let file = URL(filePath: CommandLine.arguments[1])
    let clock = ContinuousClock()
    var checkpoint = try Checkpoint(opening: file)
    let opening = try clock.measure { checkpoint = try Checkpoint(opening: file) }
    let tensors = checkpoint.tensors.values.filter(\.type.widens)
    print("opened \(checkpoint.tensors.count) tensors in \(opening / .milliseconds(1)) ms")
    let largest = tensors.map { $0.rows * $0.columns }.max() ?? 0
    let elements = tensors.reduce(0) { $0 + $1.rows * $1.columns }
    let destination = UnsafeMutablePointer<Float>.allocate(capacity: largest)
    let seconds = medianSeconds {
        for tensor in tensors { tensor.widen(rows: 0..<tensor.rows, into: destination) }
    }
    print("\(elements) elements in \(seconds) s: \(Double(elements) / seconds / 1e9) G elements/s")
    destination.deallocate()
} else {
    let file = FileManager.default.temporaryDirectory
        .appending(path: "bench-widen-\(ProcessInfo.processInfo.processIdentifier).gguf")
    defer { try? FileManager.default.removeItem(at: file) }
    for type in types {
        let bytes = side * side / type.elements * type.bytes
        try synthetic(type.number, side, side, bytes: bytes).write(to: file)
        measure(try Checkpoint(opening: file).tensor("w", shape: [side, side]), bytes: bytes)
    }
}
