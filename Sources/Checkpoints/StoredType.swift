// SPDX-License-Identifier: Apache-2.0
// The types in which checkpoints store numbers, and how many bytes they take.

// The types keep the names ggml and its tools use, underscores and capitals included.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

/// How the elements of a stored tensor are encoded.
public enum StoredType: Sendable, Hashable {
    case f64, f32, f16, bf16
    case i64, i32, i16, i8, u64, u32, u16, u8, bool
    /// Blocks of 32 elements.
    case q4_0, q4_1, q5_0, q5_1, q8_0, iq4_nl
    /// Blocks of 32 elements whose scales lie apart.
    case mxfp4
    /// The same numbers in GGUF: blocks of 32 elements that begin with their scale.
    case mxfp4_ggml
    /// Blocks of 256 elements.
    case q2_K, q3_K, q4_K, q5_K, q6_K, iq4_xs
    /// A type this program does not read, under the name or number the file gives it.
    case unsupported(String)

    /// The unit of storage: `elements` consecutive numbers of a row in `bytes` bytes.
    struct Block: Equatable {
        let elements: Int
        let bytes: Int
    }

    /// The unit of storage; nil for a type this program does not know.
    var block: Block? {
        switch self {
        case .f64, .i64, .u64: Block(elements: 1, bytes: 8)
        case .f32, .i32, .u32: Block(elements: 1, bytes: 4)
        case .f16, .bf16, .i16, .u16: Block(elements: 1, bytes: 2)
        case .i8, .u8, .bool: Block(elements: 1, bytes: 1)
        case .q4_0, .iq4_nl: Block(elements: 32, bytes: 18)
        case .mxfp4: Block(elements: 32, bytes: 16)
        case .mxfp4_ggml: Block(elements: 32, bytes: 17)
        case .q4_1: Block(elements: 32, bytes: 20)
        case .q5_0: Block(elements: 32, bytes: 22)
        case .q5_1: Block(elements: 32, bytes: 24)
        case .q8_0: Block(elements: 32, bytes: 34)
        case .q2_K: Block(elements: 256, bytes: 84)
        case .q3_K: Block(elements: 256, bytes: 110)
        case .q4_K: Block(elements: 256, bytes: 144)
        case .q5_K: Block(elements: 256, bytes: 176)
        case .q6_K: Block(elements: 256, bytes: 210)
        case .iq4_xs: Block(elements: 256, bytes: 136)
        case .unsupported: nil
        }
    }

    /// Whether the elements can be widened to Float32: so for floating point and quantized types.
    public var widens: Bool {
        switch self {
        case .i64, .i32, .i16, .i8, .u64, .u32, .u16, .u8, .bool, .unsupported: false
        default: true
        }
    }

    /// The type a safetensors header calls `name`.
    init(safetensors name: String) {
        self =
            switch name {
            case "F64": .f64
            case "F32": .f32
            case "F16": .f16
            case "BF16": .bf16
            case "I64": .i64
            case "I32": .i32
            case "I16": .i16
            case "I8": .i8
            case "U64": .u64
            case "U32": .u32
            case "U16": .u16
            case "U8": .u8
            case "BOOL": .bool
            default: .unsupported(name)
            }
    }

    /// The type ggml numbers `number` (`enum ggml_type` in ggml.h).
    init(ggml number: UInt32) {
        self =
            switch number {
            case 0: .f32
            case 1: .f16
            case 2: .q4_0
            case 3: .q4_1
            case 6: .q5_0
            case 7: .q5_1
            case 8: .q8_0
            case 10: .q2_K
            case 11: .q3_K
            case 12: .q4_K
            case 13: .q5_K
            case 14: .q6_K
            case 20: .iq4_nl
            case 23: .iq4_xs
            case 24: .i8
            case 25: .i16
            case 26: .i32
            case 27: .i64
            case 28: .f64
            case 30: .bf16
            case 39: .mxfp4_ggml
            default: .unsupported("ggml type \(number)")
            }
    }
}

extension StoredType: CustomStringConvertible {
    /// The name the formats' own tools use, such as `BF16` or `Q4_K`.
    public var description: String {
        switch self {
        case .unsupported(let name): quoted(name)
        case .f64: "F64"
        case .f32: "F32"
        case .f16: "F16"
        case .bf16: "BF16"
        case .i64: "I64"
        case .i32: "I32"
        case .i16: "I16"
        case .i8: "I8"
        case .u64: "U64"
        case .u32: "U32"
        case .u16: "U16"
        case .u8: "U8"
        case .bool: "BOOL"
        case .q4_0: "Q4_0"
        case .q4_1: "Q4_1"
        case .q5_0: "Q5_0"
        case .q5_1: "Q5_1"
        case .q8_0: "Q8_0"
        case .iq4_nl: "IQ4_NL"
        case .mxfp4, .mxfp4_ggml: "MXFP4"
        case .q2_K: "Q2_K"
        case .q3_K: "Q3_K"
        case .q4_K: "Q4_K"
        case .q5_K: "Q5_K"
        case .q6_K: "Q6_K"
        case .iq4_xs: "IQ4_XS"
        }
    }
}
