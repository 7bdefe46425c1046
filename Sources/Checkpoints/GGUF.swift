// SPDX-License-Identifier: Apache-2.0
// ggml's GGUF, versions 2 and 3: metadata, tensor descriptions, then the tensors.
//
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; the checks are those of
// `gguf_init_from_file`.
//
//     "GGUF" | uint32 version | uint64 tensors | uint64 pairs
//     pairs:   string key | uint32 type | value
//     tensors: string name | uint32 n | uint64 dimensions[n] | uint32 type | uint64 offset
//     padding to the alignment, then the data from which the offsets count
//
// Dimensions stand innermost first.

import UserErrors

enum GGUF {
    /// What a GGUF file holds.
    struct Contents {
        let metadata: GGUFMetadata
        let tensors: [String: StoredTensor]
    }

    /// Reads the header of `file`.
    static func contents(of file: MappedFile) throws -> Contents {
        var reader = GGUFReader(file)
        try checkVersion(&reader)
        // A description takes at least a name's length, n, a type and an offset; a pair at least a
        // key's length, a type and one byte.
        let tensorCount = try reader.count(of: "tensors", atLeast: 24)
        let pairCount = try reader.count(of: "key-value pairs", atLeast: 13)
        let metadata = try GGUFMetadata(&reader, count: pairCount)
        let alignment = try alignment(metadata, of: file)
        var entries: [Entry] = []
        entries.reserveCapacity(min(tensorCount, reader.remaining / 24))
        for _ in 0..<tensorCount {
            entries.append(try entry(&reader))
        }
        // Without tensors there is nothing behind the header, not even padding.
        let padding = (alignment - reader.position % alignment) % alignment
        let dataStart = tensorCount == 0 ? reader.position : reader.position + padding
        try check(entries, dataStart: dataStart, alignment: alignment, of: file)

        var tensors = [String: StoredTensor](minimumCapacity: entries.count)
        for entry in entries {
            let tensor = StoredTensor(
                name: entry.name, extent: entry.extent, file: file,
                offset: dataStart + entry.offset)
            guard tensors.updateValue(tensor, forKey: entry.name) == nil else {
                throw UserError.malformed(file.url, "has two tensors named \(quoted(entry.name))")
            }
        }
        return Contents(metadata: metadata, tensors: tensors)
    }

    /// A tensor as the header describes it; `offset` counts from the start of the data.
    private struct Entry {
        let name: String
        let extent: TensorExtent
        let offset: Int
    }

    private static func checkVersion(_ reader: inout GGUFReader) throws {
        let url = reader.file.url
        let magic: UInt32 = try reader.number()
        guard magic == 0x4655_4747 else {
            throw UserError.malformed(url, "does not begin with \"GGUF\" and is not a GGUF file")
        }
        let version: UInt32 = try reader.number()
        if version == 2 || version == 3 { return }
        if version.byteSwapped == 2 || version.byteSwapped == 3 {
            throw UserError(
                url, "is a big-endian GGUF file", advice: "convert it with gguf-convert-endian")
        }
        throw UserError(
            url, "is of GGUF version \(version), not 2 or 3",
            advice: "convert the model again with a current llama.cpp")
    }

    private static func alignment(
        _ metadata: GGUFMetadata, of file: MappedFile
    ) throws -> Int {
        let key = "general.alignment"
        guard metadata.keys.contains(key) else { return 32 }
        guard let alignment = metadata.int(key), alignment > 0, alignment <= Int(UInt32.max),
            alignment & (alignment - 1) == 0
        else {
            throw UserError.malformed(file.url, "gives a \(key) that is not a power of two")
        }
        return alignment
    }

    private static func entry(_ reader: inout GGUFReader) throws -> Entry {
        let url = reader.file.url
        let name = try reader.name()
        let dimensionCount: UInt32 = try reader.number()
        guard dimensionCount <= 4 else {
            throw UserError.malformed(
                url,
                "gives the tensor \(quoted(name)) \(dimensionCount) dimensions, more than GGUF has"
            )
        }
        var dimensions: [Int] = []
        for _ in 0..<dimensionCount {
            let dimension: UInt64 = try reader.number()
            dimensions.append(Int(exactly: dimension) ?? -1)
        }
        let type = StoredType(ggml: try reader.number())
        let offset: UInt64 = try reader.number()
        guard let extent = TensorExtent(shape: dimensions.reversed(), type: type),
            let offset = Int(exactly: offset)
        else {
            throw UserError.malformed(
                url,
                "gives the tensor \(quoted(name)) a shape that \(type) cannot have, or an offset "
                    + "beyond all bounds"
            )
        }
        return Entry(name: name, extent: extent, offset: offset)
    }

    /// Makes sure that every tensor of known size is aligned, lies in the file and shares no byte.
    private static func check(
        _ entries: [Entry], dataStart: Int, alignment: Int, of file: MappedFile
    ) throws {
        var end = 0
        for entry in entries.sorted(by: { $0.offset < $1.offset }) {
            let size = entry.extent.byteCount ?? 0
            guard entry.offset % alignment == 0 else {
                throw UserError.malformed(
                    file.url,
                    "places the tensor \(quoted(entry.name)) at byte \(entry.offset) of the data, "
                        + "which is not a multiple of \(alignment)"
                )
            }
            guard entry.offset >= end else {
                throw UserError.malformed(
                    file.url, "lets the tensor \(quoted(entry.name)) overlap the one before it")
            }
            guard dataStart <= file.byteCount, entry.offset <= file.byteCount - dataStart,
                size <= file.byteCount - dataStart - entry.offset
            else {
                throw UserError.malformed(
                    file.url, "ends before the end of the tensor \(quoted(entry.name))")
            }
            end = entry.offset + size
        }
    }
}
