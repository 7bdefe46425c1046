// SPDX-License-Identifier: Apache-2.0

import Checkpoints
import Foundation
import TestSupport
import Testing
import UserErrors

@Suite struct SafetensorsTests {
    @Test func `a file of the safetensors library reads back with its shapes and values`() throws {
        let checkpoint = try Checkpoint(opening: fixture("small.safetensors"))
        #expect(checkpoint.format == .safetensors)
        #expect(checkpoint.files == [fixture("small.safetensors")])
        #expect(checkpoint.metadata.keys.isEmpty)
        let shapes: [(String, [Int], StoredType)] = [
            ("cube", [2, 3, 17], .f32), ("double", [3, 5], .f64), ("embed.weight", [21, 19], .f32),
            ("empty", [0, 4], .f32), ("half.weight", [37, 33], .f16), ("norm.weight", [50], .f32),
            ("scalar", [], .f32),
        ]
        #expect(Set(checkpoint.tensors.keys) == Set(shapes.map(\.0) + ["steps"]))
        var expected = try ExpectedValues("small.f32")
        for (name, shape, type) in shapes {
            let tensor = try checkpoint.tensor(name, shape: shape)
            #expect(tensor.type == type)
            #expect(tensor.columns == shape.last ?? 1)
            #expect(tensor.rows == shape.dropLast().reduce(1, *))
            #expect(sameBits(tensor.widened(), expected.next(tensor.rows * tensor.columns)))
        }
        #expect(expected.isAtEnd)
    }

    @Test func `shards hold what the single file holds`() throws {
        let whole = try Checkpoint(opening: fixture("small.safetensors"))
        let sharded = try Checkpoint(opening: fixture("sharded"))
        #expect(
            sharded.files.map(\.lastPathComponent) == [
                "model.safetensors.index.json", "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors",
            ])
        #expect(Set(sharded.tensors.keys) == Set(whole.tensors.keys).subtracting(["steps"]))
        for (name, tensor) in sharded.tensors {
            let same = try whole.tensor(name, shape: tensor.shape)
            #expect(sameBits(tensor.widened(), same.widened()), "\(name)")
        }
    }

    @Test func `asking for what is not there says what there is`() throws {
        let checkpoint = try Checkpoint(opening: fixture("small.safetensors"))
        func message(_ name: String, _ shape: [Int]) -> String {
            let error = #expect(throws: UserError.self) {
                try checkpoint.tensor(name, shape: shape)
            }
            return error?.description ?? ""
        }
        #expect(message("nothing", [3]).contains("has no tensor \"nothing\""))
        let wrong = message("half.weight", [33, 37])
        #expect(wrong.contains("[37, 33]") && wrong.contains("[33, 37]"))
        #expect(wrong.contains("small.safetensors") && wrong.contains("half.weight"))
        #expect(message("steps", [4]).contains("I64"))
    }

    @Test func `a dtype nobody knows only matters when that tensor is asked for`() throws {
        let header = """
            {"new":{"dtype":"F4_E9","shape":[7],"data_offsets":[0,3]},\
            "w":{"dtype":"F32","shape":[1],"data_offsets":[3,7]}}
            """
        let checkpoint = try open(safetensors(header, data: 7), as: "new.safetensors")
        #expect(try checkpoint.tensor("w", shape: [1]).widened() == [0])
        let error = #expect(throws: UserError.self) {
            try checkpoint.tensor("new", shape: [7])
        }
        #expect(error?.description.contains("F4_E9") == true)
    }

    @Test func `names may be of any characters, escaped or not`() throws {
        let header = #"""
            {"a\"\\\/\u00e9\ud83d\ude00\n\u0000é":{"dtype":"U8","shape":[],"data_offsets":[0,1]},
             "":{"extra":[1,{"x":null}],"dtype":"BOOL","shape":[1],"data_offsets":[1,2]}}
            """#
        let checkpoint = try open(safetensors(header, data: 2), as: "odd.safetensors")
        #expect(Set(checkpoint.tensors.keys) == ["a\"\\/é😀\n\0é", ""])
    }

    static let malformed: [(String, String, Int)] = [
        ("", "an end too early", 0),
        ("[]", "no object", 0),
        ("{", "an end too early", 0),
        ("{} x", "text after its end", 0),
        (#"{"a":1}"#, "no object", 0),
        (#"{"a":{}}"#, "one dtype, shape", 0),
        (#"{"a":{"dtype":"F32","shape":[1]}}"#, "one dtype, shape", 4),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, "pair of data_offsets", 4),
        (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, "no whole number", 4),
        (#"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#, "no whole number", 4),
        (#"{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}"#, "no whole number", 4),
        (
            #"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}"#,
            "too large", 4
        ),
        (
            #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#,
            "impossible shape", 0
        ),
        (
            #"{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}"#,
            "impossible shape", 0
        ),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, "not the size", 4),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, "not the size", 4),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, "announces 4", 3),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, "announces 4", 5),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}"#, "hole or an overlap", 5),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775803,9223372036854775807]}}"#,
            "hole or an overlap", 4
        ),
        (
            #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
            "hole or an overlap", 4
        ),
        (
            #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#,
            "two tensors named \"a\"", 2
        ),
        (
            #"{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
            "one dtype, shape", 1
        ),
        (#"{"a":{"dtype":"\q"}}"#, "unknown escape", 0),
        (#"{"a":{"dtype":"\ud800x"}}"#, "half a surrogate pair", 0),
        ("{\"a\nb\":{}}", "control character", 0),
        (
            "{\"__metadata__\":" + String(repeating: "[", count: 100_000),
            "nesting deeper", 0
        ),
    ]

    @Test(arguments: malformed)
    func `a malformed header is refused with a reason`(
        header: String, words: String, size: Int
    ) {
        expectRefusal(safetensors(header, data: size), as: "bad.safetensors", words)
    }

    @Test func `header lengths that lie are refused before anything is read`() {
        for length in [100_000_001, UInt64(Int64.max), UInt64.max] {
            expectRefusal(
                safetensors("{}", length: length), as: "bad.safetensors", "header of \(length)")
        }
        expectRefusal(safetensors("{}", length: 3), as: "bad.safetensors", "holds 2")
        expectRefusal(Data([1, 2, 3]), as: "bad.safetensors", "too short")
        expectRefusal(Data(), as: "bad.safetensors", "is empty")
        expectRefusal(
            safetensors("{\"\u{0}") + Data([0xff, 0x22]), as: "bad.safetensors", "control")
    }

    static let indexes: [(String, String)] = [
        (#"{"weight_map":{"w":"../w.safetensors"}}"#, "beside the index"),
        (#"{"weight_map":{"w":"/etc/passwd"}}"#, "beside the index"),
        (#"{"weight_map":{"w":".."}}"#, "beside the index"),
        (#"{"weight_map":{"w":"a\u0000.safetensors"}}"#, "beside the index"),
        (#"{"weight_map":{"w":""}}"#, "beside the index"),
        (#"{"weight_map":{"w":"missing.safetensors"}}"#, "cannot be opened"),
        (#"{"weight_map":{"w":"one.safetensors"}}"#, "lacks it"),
        (#"{"weight_map":{"a":"one.safetensors","a":"one.safetensors"}}"#, "twice"),
        (#"{"weight_map":{},"weight_map":{}}"#, "two members"),
        (#"{"weight_map":[]}"#, "no object"),
        ("{}", "no member"),
        ("", "is empty"),
    ]

    @Test(arguments: indexes)
    func `an index that points astray is refused`(index: String, words: String) throws {
        try withTemporaryFolder { folder in
            try Data(index.utf8).write(
                to: folder.appending(path: "model.safetensors.index.json"))
            try safetensors(#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: 1)
                .write(to: folder.appending(path: "one.safetensors"))
            let error = #expect(throws: UserError.self) { try Checkpoint(opening: folder) }
            #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        }
    }

    @Test func `a folder with one weights file is that file, with several an error`() throws {
        try withTemporaryFolder { folder in
            #expect(throws: UserError.self) { try Checkpoint(opening: folder) }
            let first = folder.appending(path: "first.gguf")
            try FileManager.default.copyItem(at: fixture("small.gguf"), to: first)
            let found = try Checkpoint(opening: folder)
            #expect(found.format == .gguf)
            #expect(found.files.map(\.lastPathComponent) == ["first.gguf"])
            try safetensors("{}").write(to: folder.appending(path: "other.safetensors"))
            #expect(throws: UserError.self) { try Checkpoint(opening: folder) }
            try safetensors("{}").write(to: folder.appending(path: "model.safetensors"))
            #expect(try Checkpoint(opening: folder).tensors.isEmpty)
        }
    }

    @Test func `what is no weights file is refused`() throws {
        try withTemporaryFolder { folder in
            for name in ["absent.gguf", "absent", "config.json"] {
                let url = folder.appending(path: name)
                if name.hasSuffix("json") { try Data("{}".utf8).write(to: url) }
                #expect(throws: UserError.self) { try Checkpoint(opening: url) }
            }
            let pipe = folder.appending(path: "pipe.gguf")
            #expect(mkfifo(pipe.path, 0o600) == 0)
            let error = #expect(throws: UserError.self) { try Checkpoint(opening: pipe) }
            #expect(error?.description.contains("is not a regular file") == true)
        }
    }
}
