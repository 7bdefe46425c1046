// SPDX-License-Identifier: Apache-2.0

import Foundation
import HDF5
import TestSupport
import Testing

/// HDF5 keeps global state without locks: its tests run one after the other.
@Suite(.serialized) struct H5FileTests {
    @Test func `numbers, strings and attributes come back as they went in`() throws {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "a.h5").path
            do {
                let file = try H5File.create(path)
                try file.write(
                    [1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3], to: "a/b/matrix",
                    axes: ["row", "column"], about: "Six numbers.")
                try file.write(
                    ["x", "héllo", ""], to: "a/names", axes: ["name"], about: "Three names.")
                try file.setAttribute("seed", of: "", to: 42)
                try file.setAttribute("schema", of: "", to: "headvis-test")
                try file.flush()
            }
            let file = try H5File.open(path)
            #expect(
                try file.read("a/b/matrix", shape: [2, -1], as: Float.self) == [1, 2, 3, 4, 5, 6])
            #expect(try file.read("a/b/matrix", as: Double.self) == [1, 2, 3, 4, 5, 6])
            #expect(try file.readStrings("a/names") == ["x", "héllo", ""])
            #expect(try file.attribute("seed", of: "", as: Int.self) == 42)
            #expect(try file.stringAttribute("schema", of: "") == "headvis-test")
            #expect(try file.stringAttribute("axes", of: "a/b/matrix") == "row, column")
            #expect(try file.members(of: "a") == ["b", "names"])
            #expect(file.attributeNames(of: "") == ["schema", "seed"])
        }
    }

    @Test func `appended rows come back by ranges`() throws {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "a.h5").path
            do {
                let file = try H5File.create(path)
                let rows = try file.createAppendable(
                    Int32.self, rowShape: [2], at: "rows", axes: ["row", "side"], about: "Pairs.")
                for i in 0..<100 as Range<Int32> { try rows.append([2 * i, 2 * i + 1]) }
                try rows.append([] as [Int32])
            }
            let dataset = try H5File.open(path).dataset("rows", shape: [100, 2])
            #expect(try dataset.read(rows: 40..<42, as: Int32.self) == [80, 81, 82, 83])
            #expect(try dataset.read(rows: 5..<5, as: Int32.self).isEmpty)
            #expect(throws: H5Error.self) { try dataset.read(rows: 99..<101, as: Int32.self) }
        }
    }

    @Test
    func
        `packed rows are smaller, come back by ranges, and do not depend on how they were appended`()
        throws
    {
        try withTemporaryFolder { folder in
            let values = (0..<100_000 as Range<Int32>).map { $0 / 7 }
            func size(_ name: String, by step: Int, isPacked: Bool) throws -> Data {
                let path = folder.appending(path: name).path
                do {
                    let file = try H5File.create(path)
                    let rows = try file.createAppendable(
                        Int32.self, at: "rows", axes: ["row"], about: "Numbers that ascend.",
                        chunkBytes: 65_536, isPacked: isPacked)
                    for start in stride(from: 0, to: values.count, by: step) {
                        try rows.append(Array(values[start..<min(start + step, values.count)]))
                    }
                }
                let dataset = try H5File.open(path).dataset("rows", shape: [values.count])
                #expect(try dataset.read() == values)
                #expect(
                    try dataset.read(rows: 16_000..<16_500) == Array(values[16_000..<16_500]))
                return try Data(contentsOf: URL(filePath: path))
            }
            let plain = try size("plain.h5", by: 1000, isPacked: false)
            let packed = try size("packed.h5", by: 1000, isPacked: true)
            #expect(packed.count < plain.count / 8)
            #expect(try size("other.h5", by: 777, isPacked: true) == packed)
        }
    }

    /// The library converts by its own code from what the file says of the type.
    @Test func `every half number comes back, and is that number to the library`() throws {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "a.h5").path
            let all = (0...UInt16.max).map(Float16.init(bitPattern:))
            do {
                let file = try H5File.create(path)
                let rows = try file.createAppendable(
                    Float16.self, rowShape: [16], at: "half", axes: ["row", "column"],
                    about: "All half numbers.")
                try rows.append(all)
            }
            let dataset = try H5File.open(path).dataset("half", shape: [4096, 16])
            let back: [Float16] = try dataset.read()
            #expect(back.map(\.bitPattern) == all.map(\.bitPattern))
            let wide: [Float] = try dataset.read()
            for (a, b) in zip(wide, all) { #expect(a == Float(b) || a.isNaN && b.isNaN) }
        }
    }

    @Test func `equal contents give equal bytes`() throws {
        try withTemporaryFolder { folder in
            func write(_ name: String) throws -> Data {
                let path = folder.appending(path: name).path
                do {
                    let file = try H5File.create(path)
                    try file.write(
                        [1.5, 2.5], shape: [2], to: "g/x", axes: ["i"], about: "Two numbers.")
                    try file.write(["a", "b"], to: "g/s", axes: ["i"], about: "Two strings.")
                }
                return try Data(contentsOf: URL(filePath: path))
            }
            let (one, two) = (try write("one.h5"), try write("two.h5"))
            #expect(one == two)
        }
    }

    @Test func `errors name the file, the object and what is wrong`() throws {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "a.h5").path
            do {
                let file = try H5File.create(path)
                try file.write([1.0], shape: [1], to: "x", axes: ["i"], about: "One number.")
            }
            let file = try H5File.open(path)
            let missing = #expect(throws: H5Error.self) { try file.read("y", as: Double.self) }
            #expect(missing?.description == "\(path): y: the dataset is missing")
            let shape = #expect(throws: H5Error.self) {
                try file.read("x", shape: [2], as: Double.self)
            }
            #expect(shape?.problem == "its shape is [1], expected [2] (-1 is any extent)")
            #expect(throws: H5Error.self) { try file.attribute("n", of: "x", as: Int.self) }
            #expect(throws: H5Error.self) { try H5File.open("\(path).none") }
            try Data("not HDF5".utf8).write(to: folder.appending(path: "b.h5"))
            #expect(throws: H5Error.self) { try H5File.open(folder.appending(path: "b.h5").path) }
            #expect(throws: H5Error.self) { try H5File.create("\(path)/no/such.h5") }
        }
    }
}
