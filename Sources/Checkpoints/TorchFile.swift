// SPDX-License-Identifier: Apache-2.0
// Tensors as torch.save writes them: an archive of a pickle and runs of numbers, or, before PyTorch 1.6, pickles
// followed by the numbers. Reference: PyTorch, torch/serialization.py.

import Foundation
import UserErrors

enum TorchFile {
    /// Longer than the pickle of any model, whose numbers stand outside it.
    private static let longestPickle = 256 << 20
    private static let magic: [UInt8] = [
        0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
    ]

    /// The tensors of `file` by name.
    static func tensors(of file: MappedFile) throws -> [String: StoredTensor] {
        let (value, places) =
            try ZipDirectory.isArchive(file) ? archive(file) : legacy(file)
        var tensors: [String: StoredTensor] = [:]
        var copied = 0
        for (name, view) in try views(of: value, file) {
            guard let place = places[view.storage.key] else {
                throw UserError.malformed(file.url, "lacks the numbers of \(quoted(name))")
            }
            tensors[name] = try tensor(name, view, at: place, file, &copied)
        }
        return tensors
    }

    /// A run of numbers in the file.
    private struct Place {
        let offset: Int
        let byteCount: Int
    }

    private static func archive(_ file: MappedFile) throws -> (PickleValue, [String: Place]) {
        let files = try ZipDirectory(file).files
        let pickles = files.keys.filter { $0.hasSuffix("/data.pkl") || $0 == "data.pkl" }
        guard pickles.count == 1, let range = files[pickles[0]], range.count <= longestPickle else {
            throw UserError.malformed(file.url, "is an archive without one data.pkl")
        }
        let root = pickles[0].dropLast("data.pkl".count)
        var reader = PickleReader(
            UnsafeRawBufferPointer(start: file.base + range.lowerBound, count: range.count),
            file: file.url)
        let value = try reader.value()
        var places: [String: Place] = [:]
        for (name, range) in files where name.hasPrefix("\(root)data/") {
            places[String(name.dropFirst(root.count + 5))] = Place(
                offset: range.lowerBound, byteCount: range.count)
        }
        return (value, places)
    }

    private static func legacy(_ file: MappedFile) throws -> (PickleValue, [String: Place]) {
        let bytes = UnsafeRawBufferPointer(start: file.base, count: file.byteCount)
        var reader = PickleReader(bytes, file: file.url)
        guard case .longInt(magic) = try reader.value(), case .int(1001) = try reader.value() else {
            throw UserError.malformed(file.url, "is no file that torch.save wrote")
        }
        if case .dictionary(let system) = try reader.value(),
            let order = system.members.first(where: { $0.key == "little_endian" }),
            case .bool(false) = order.value
        {
            throw UserError(file.url, "is big-endian", advice: "save it as safetensors")
        }
        let value = try reader.value()
        guard case .list(let keys) = try reader.value() else {
            throw reader.broken("does not list its numbers")
        }
        // Each run is its number of elements and the elements, in the order of the keys.
        var types: [String: TorchStorage] = [:]
        for (_, view) in try views(of: value, file) { types[view.storage.key] = view.storage }
        var places: [String: Place] = [:]
        var position = reader.position
        for case .string(let key) in keys.items {
            guard let storage = types[key], position <= file.byteCount - 8,
                let block = storage.type.block
            else { throw reader.broken("lists numbers that no tensor has") }
            let count = Int(
                clamping: UInt64(
                    littleEndian: file.base.loadUnaligned(
                        fromByteOffset: position, as: UInt64.self)))
            position += 8
            guard count == storage.elements, count <= (file.byteCount - position) / block.bytes
            else {
                throw reader.broken("has \(storage.elements) numbers that are not there")
            }
            places[key] = Place(offset: position, byteCount: count * block.bytes)
            position += count * block.bytes
        }
        return (value, places)
    }

    /// The tensors of a dictionary, which training programs put one level down.
    private static func views(
        of value: PickleValue, _ file: MappedFile
    ) throws -> [(String, TorchView)] {
        guard case .dictionary(var dictionary) = value else {
            throw UserError.malformed(file.url, "holds no dictionary of tensors")
        }
        if let inner = dictionary.members.first(where: { $0.key == "state_dict" }),
            case .dictionary(let nested) = inner.value
        {
            dictionary = nested
        }
        var views: [(String, TorchView)] = []
        for (name, value) in dictionary.members {
            if case .tensor(let view) = value { views.append((name, view)) }
        }
        guard !views.isEmpty else { throw UserError.malformed(file.url, "holds no tensors") }
        return views
    }

    /// The tensor of a view: where it lies, or, if its elements are not in order there, a copy in order.
    private static func tensor(
        _ name: String, _ view: TorchView, at place: Place, _ file: MappedFile, _ copied: inout Int
    ) throws -> StoredTensor {
        guard let block = view.storage.type.block,
            let extent = TensorExtent(shape: view.shape, type: view.storage.type),
            view.storage.elements <= place.byteCount / block.bytes
        else {
            throw UserError.malformed(file.url, "has too few numbers for \(quoted(name))")
        }
        let start = place.offset + view.offset * block.bytes
        guard !isInOrder(view) else {
            return StoredTensor(name: name, extent: extent, file: file, offset: start)
        }
        // Views overlap only in files made to fill memory: together they are no larger than the file.
        copied += extent.elements * block.bytes
        guard copied <= file.byteCount else {
            throw UserError.malformed(file.url, "has views that are larger than the file")
        }
        let copy = try MappedFile(copying: extent.elements * block.bytes, for: file.url) { target in
            gather(view, file.base + start, block.bytes, into: target)
        }
        return StoredTensor(name: name, extent: extent, file: copy, offset: 0)
    }

    private static func isInOrder(_ view: TorchView) -> Bool {
        var expected = 1
        for (size, stride) in zip(view.shape, view.strides).reversed() {
            if size != 1, stride != expected { return false }
            expected *= size
        }
        return true
    }

    /// Copies the elements of a view in the order of their indices.
    private static func gather(
        _ view: TorchView, _ source: UnsafeRawPointer, _ size: Int,
        into target: UnsafeMutableRawPointer
    ) {
        let count = view.shape.reduce(1, *)
        var index = [Int](repeating: 0, count: view.shape.count)
        var offset = 0
        for element in 0..<count {
            target.advanced(by: element * size).copyMemory(
                from: source + offset * size, byteCount: size)
            var axis = index.count - 1
            while axis >= 0 {
                index[axis] += 1
                offset += view.strides[axis]
                if index[axis] < view.shape[axis] { break }
                offset -= view.strides[axis] * view.shape[axis]
                index[axis] = 0
                axis -= 1
            }
        }
    }
}
