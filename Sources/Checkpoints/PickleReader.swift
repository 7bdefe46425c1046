// SPDX-License-Identifier: Apache-2.0
// A reader of pickles that hold tensors and nothing else: it builds values and calls nothing.
//
// Python's pickle is a program for a small stack machine, of which two instructions reach beyond data: one names
// anything that can be imported, the other calls it. Here names are looked up in a closed list, and a call makes
// one of three values. Opcodes: CPython, Lib/pickletools.py.

import Foundation
import UserErrors

/// What a pickle can hold here.
indirect enum PickleValue {
    case none
    case bool(Bool)
    case int(Int)
    /// A whole number of more than 64 bits, little-endian.
    case longInt([UInt8])
    case float(Double)
    case string(String)
    case tuple([PickleValue], depth: Int)
    case list(PickleList)
    case dictionary(PickleDictionary)
    /// A name from the closed list.
    case name(PickleName)
    case storage(TorchStorage)
    case tensor(TorchView)

    /// How many containers lie within each other.
    fileprivate var depth: Int {
        switch self {
        case .tuple(_, let depth): depth
        case .list(let list): list.depth
        case .dictionary(let dictionary): dictionary.depth
        default: 0
        }
    }
}

/// A list that may be changed after it was put somewhere.
final class PickleList {
    fileprivate(set) var items: [PickleValue] = []
    fileprivate var depth = 1
}

/// A dictionary with text as keys; members with other keys are dropped.
final class PickleDictionary {
    fileprivate(set) var members: [(key: String, value: PickleValue)] = []
    fileprivate var depth = 1
}

/// What a pickle may name.
enum PickleName: Equatable {
    case orderedDictionary, rebuildTensor, rebuildParameter, size
    /// torch.FloatStorage and the like.
    case storage(StoredType)

    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch", "Size"): self = .size
        case ("torch", _):
            let types: [String: StoredType] = [
                "FloatStorage": .f32, "HalfStorage": .f16, "BFloat16Storage": .bf16,
                "DoubleStorage": .f64, "LongStorage": .i64, "IntStorage": .i32,
                "ShortStorage": .i16, "CharStorage": .i8, "ByteStorage": .u8, "BoolStorage": .bool,
            ]
            guard let type = types[name] else { return nil }
            self = .storage(type)
        default: return nil
        }
    }
}

/// A run of numbers somewhere in the file, by its key.
struct TorchStorage: Equatable {
    let key: String
    let type: StoredType
    let elements: Int
}

/// A tensor as a view of a storage.
struct TorchView {
    let storage: TorchStorage
    let offset: Int
    let shape: [Int]
    let strides: [Int]
}

/// Runs one pickle after another.
struct PickleReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int
    private let file: URL
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]

    /// No model nests deeper.
    private static let deepest = 32
    /// More entries than any model has tensors, names and numbers.
    private static let mostValues = 20_000_000

    init(_ bytes: UnsafeRawBufferPointer, from position: Int = 0, file: URL) {
        self.bytes = bytes
        self.position = position
        self.file = file
    }

    /// The value of the pickle that begins at `position`, which moves behind it.
    mutating func value() throws -> PickleValue {
        stack = []
        marks = []
        memo = [:]
        for _ in 0..<Self.mostValues {
            if try step(try byte()) {
                guard let value = stack.popLast() else { throw broken("ends without a value") }
                return value
            }
        }
        throw broken("does not end")
    }

    func broken(_ problem: String) -> UserError {
        UserError.malformed(file, "is no file of tensors: its pickle \(problem)")
    }

    // MARK: Bytes

    private mutating func byte() throws -> UInt8 { try take(1)[0] }

    private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard count >= 0, count <= bytes.count - position else {
            throw broken("is cut at byte \(bytes.count)")
        }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }

    private mutating func unsigned(_ size: Int) throws -> Int {
        let value = try take(size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let count = Int(exactly: value) else { throw broken("has a size beyond any file") }
        return count
    }

    private mutating func text(_ count: Int) throws -> String {
        guard let text = String(validating: try take(count), as: UTF8.self) else {
            throw broken("has a text that is not UTF-8")
        }
        return text
    }

    private mutating func line() throws -> String {
        let start = position
        while try byte() != UInt8(ascii: "\n") {}
        guard let text = String(validating: bytes[start..<position - 1], as: UTF8.self) else {
            throw broken("has a name that is not UTF-8")
        }
        return text
    }

    // MARK: Stack

    private mutating func pop() throws -> PickleValue {
        guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
            throw broken("takes more values than it has")
        }
        return value
    }

    private mutating func popToMark() throws -> [PickleValue] {
        guard let mark = marks.popLast() else { throw broken("lacks a mark") }
        let items = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return items
    }

    /// Takes away what stands above the last mark. Of its own, as Swift 6.3's optimiser releases values too often where
    /// an array of a slice is made and dropped.
    private mutating func dropToMark() throws {
        guard let mark = marks.popLast() else { throw broken("lacks a mark") }
        while stack.count > mark { stack.removeLast() }
    }

    private mutating func pushTuple(_ items: [PickleValue]) throws {
        stack.append(.tuple(items, depth: try depth(of: items)))
    }

    private func depth(of items: [PickleValue]) throws -> Int {
        let depth = 1 + (items.lazy.map(\.depth).max() ?? 0)
        guard depth <= Self.deepest else { throw broken("nests too deeply") }
        return depth
    }

    private mutating func append(_ items: [PickleValue]) throws {
        guard case .list(let list)? = stack.last else { throw broken("appends to no list") }
        list.depth = max(list.depth, try depth(of: items))
        list.items += items
    }

    private mutating func setItems(_ items: [PickleValue]) throws {
        guard case .dictionary(let dictionary)? = stack.last, items.count % 2 == 0 else {
            throw broken("sets members of no dictionary")
        }
        dictionary.depth = max(dictionary.depth, try depth(of: items))
        for i in stride(from: 0, to: items.count, by: 2) {
            if case .string(let key) = items[i] { dictionary.members.append((key, items[i + 1])) }
        }
    }

    private mutating func remember(_ index: Int) throws {
        guard let value = stack.last else { throw broken("remembers nothing") }
        memo[index] = value
    }

    private mutating func recall(_ index: Int) throws {
        guard let value = memo[index] else { throw broken("recalls what it never saw") }
        stack.append(value)
    }

    // MARK: Instructions

    /// Runs one instruction.
    ///
    /// - Returns: whether it was the last.
    private mutating func step(_ code: UInt8) throws -> Bool {
        switch code {
        case UInt8(ascii: "."): return true
        case 0x80: _ = try byte()  // protocol
        case 0x95: _ = try take(8)  // frame
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "0"): _ = try pop()
        case UInt8(ascii: "1"): try dropToMark()
        case UInt8(ascii: "N"): stack.append(.none)
        case 0x88: stack.append(.bool(true))
        case 0x89: stack.append(.bool(false))
        default: try stepOfValues(code)
        }
        return false
    }

    private mutating func stepOfValues(_ code: UInt8) throws {
        switch code {
        case UInt8(ascii: "K"): stack.append(.int(try unsigned(1)))
        case UInt8(ascii: "M"): stack.append(.int(try unsigned(2)))
        case UInt8(ascii: "J"):
            stack.append(.int(Int(Int32(truncatingIfNeeded: try unsigned(4)))))
        case 0x8A: try pushLong(try unsigned(1))
        case UInt8(ascii: "G"):
            let bits = try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            stack.append(.float(Double(bitPattern: bits)))
        case UInt8(ascii: "X"): stack.append(.string(try text(try unsigned(4))))
        case 0x8C, UInt8(ascii: "U"): stack.append(.string(try text(try unsigned(1))))
        case 0x8D: stack.append(.string(try text(try unsigned(8))))
        case UInt8(ascii: ")"): try pushTuple([])
        case UInt8(ascii: "t"): try pushTuple(try popToMark())
        case 0x85, 0x86, 0x87:
            var items: [PickleValue] = []
            for _ in 0..<Int(code) - 0x84 { items.insert(try pop(), at: 0) }
            try pushTuple(items)
        case UInt8(ascii: "]"): stack.append(.list(PickleList()))
        case UInt8(ascii: "}"): stack.append(.dictionary(PickleDictionary()))
        case UInt8(ascii: "a"): try append([try pop()])
        case UInt8(ascii: "e"): try append(try popToMark())
        case UInt8(ascii: "s"):
            let value = try pop()
            try setItems([try pop(), value])
        case UInt8(ascii: "u"): try setItems(try popToMark())
        default: try stepOfReferences(code)
        }
    }

    private mutating func stepOfReferences(_ code: UInt8) throws {
        switch code {
        case UInt8(ascii: "q"): try remember(try unsigned(1))
        case UInt8(ascii: "r"): try remember(try unsigned(4))
        case 0x94: try remember(memo.count)
        case UInt8(ascii: "h"): try recall(try unsigned(1))
        case UInt8(ascii: "j"): try recall(try unsigned(4))
        case UInt8(ascii: "c"):
            let module = try line()
            try pushName(module: module, name: try line())
        case 0x93:
            guard case .string(let name) = try pop(), case .string(let module) = try pop() else {
                throw broken("names something by no text")
            }
            try pushName(module: module, name: name)
        case UInt8(ascii: "Q"): stack.append(.storage(try storage(try pop())))
        case UInt8(ascii: "R"):
            let arguments = try pop()
            try call(try pop(), arguments)
        case UInt8(ascii: "b"):
            // Attributes beside an object's contents, such as versions of modules.
            _ = try pop()
            guard case .dictionary? = stack.last else {
                throw broken("sets the state of an object")
            }
        default:
            throw broken(
                "has the instruction \(code) at byte \(position - 1), which no file of tensors needs"
            )
        }
    }

    private mutating func pushLong(_ count: Int) throws {
        let digits = Array(try take(count))
        guard count <= 8 else { return stack.append(.longInt(digits)) }
        var value = digits.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        if count > 0, count < 8, digits[count - 1] & 0x80 != 0 { value |= ~0 << UInt64(8 * count) }
        stack.append(.int(Int(truncatingIfNeeded: value)))
    }

    private mutating func pushName(module: String, name: String) throws {
        guard let known = PickleName(module: module, name: name) else {
            throw UserError(
                file, "wants to use \(quoted("\(module).\(name)")), which no file of tensors needs",
                advice: "do not open it; get the model as safetensors from a source you trust")
        }
        stack.append(.name(known))
    }

    /// What a call makes: nothing of Python is ever run.
    private mutating func call(_ function: PickleValue, _ arguments: PickleValue) throws {
        guard case .name(let name) = function, case .tuple(let items, _) = arguments else {
            throw broken("calls something that is no function")
        }
        switch name {
        case .orderedDictionary where items.isEmpty: stack.append(.dictionary(PickleDictionary()))
        case .rebuildTensor where items.count >= 4: stack.append(.tensor(try view(items)))
        case .rebuildParameter where !items.isEmpty: stack.append(items[0])
        case .size where items.count == 1: stack.append(items[0])
        default: throw broken("calls a function in a way that no file of tensors needs")
        }
    }

    private func storage(_ id: PickleValue) throws -> TorchStorage {
        guard case .tuple(let items, _) = id, items.count >= 5, case .string("storage") = items[0],
            case .name(.storage(let type)) = items[1], case .string(let key) = items[2],
            case .int(let elements) = items[4], elements >= 0
        else { throw broken("has numbers in an unknown place") }
        guard !key.isEmpty, key.utf8.count <= 20,
            key.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { throw broken("has numbers under the key \(quoted(key)), which is no number") }
        return TorchStorage(key: key, type: type, elements: elements)
    }

    private func view(_ items: [PickleValue]) throws -> TorchView {
        guard case .storage(let storage) = items[0], case .int(let offset) = items[1],
            let shape = integers(items[2]), let strides = integers(items[3]),
            shape.count == strides.count, shape.count <= 8, offset >= 0,
            (shape + strides).allSatisfy({ $0 >= 0 })
        else { throw broken("has a tensor of an impossible shape") }
        var (last, count) = (offset, 1)
        for (size, stride) in zip(shape, strides) {
            let (reach, tooFar) = max(size - 1, 0).multipliedReportingOverflow(by: stride)
            let (product, tooMany) = count.multipliedReportingOverflow(by: size)
            let (end, beyond) = last.addingReportingOverflow(reach)
            guard !tooFar, !tooMany, !beyond else {
                throw broken("has a tensor of an impossible shape")
            }
            (last, count) = (end, product)
        }
        guard count == 0 || last < storage.elements, count <= storage.elements else {
            throw broken("has a tensor of shape \(described(shape)) on \(storage.elements) numbers")
        }
        return TorchView(storage: storage, offset: offset, shape: shape, strides: strides)
    }

    private func integers(_ value: PickleValue) -> [Int]? {
        guard case .tuple(let items, _) = value else { return nil }
        var numbers: [Int] = []
        for case .int(let number) in items { numbers.append(number) }
        return numbers.count == items.count ? numbers : nil
    }
}
