// SPDX-License-Identifier: Apache-2.0
// Arrays as numpy.savez writes them: an archive with one .npy file for each.
// Format: NumPy, numpy/lib/format.py.

import Foundation
import UserErrors

enum NumPyArchive {
    private static let longestHeader = 1 << 16

    /// The arrays of `file` by name.
    static func tensors(of file: MappedFile) throws -> [String: StoredTensor] {
        guard ZipDirectory.isArchive(file) else {
            throw UserError.malformed(file.url, "is no archive of NumPy arrays")
        }
        var tensors: [String: StoredTensor] = [:]
        for (name, range) in try ZipDirectory(file).files where name.hasSuffix(".npy") {
            let array = String(name.dropLast(".npy".count))
            tensors[array] = try tensor(array, range, file)
        }
        return tensors
    }

    private static func tensor(
        _ name: String, _ range: Range<Int>, _ file: MappedFile
    ) throws -> StoredTensor {
        func malformed(_ problem: String) -> UserError {
            UserError.malformed(file.url, "has an array \(quoted(name)) that \(problem)")
        }
        let bytes = UnsafeRawBufferPointer(
            start: file.base + range.lowerBound, count: range.count)
        guard bytes.count >= 12, bytes.starts(with: [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]) else {
            throw malformed("is none")
        }
        // Version 1 has two bytes of length, later ones four.
        let isFirst = bytes[6] == 1
        let length = (0..<(isFirst ? 2 : 4)).reversed().reduce(0) { $0 << 8 | Int(bytes[8 + $1]) }
        let start = isFirst ? 10 : 12
        guard length <= longestHeader, start + length <= bytes.count,
            let header = String(validating: bytes[start..<start + length], as: UTF8.self)
        else { throw malformed("is cut") }
        guard header.contains("'fortran_order': False") else {
            throw malformed("is stored by columns; save it in C order")
        }
        guard let type = type(header), let shape = shape(header),
            let extent = TensorExtent(shape: shape, type: type), let size = extent.byteCount
        else { throw malformed("is of a kind that is not read") }
        guard size <= bytes.count - start - length else { throw malformed("is cut") }
        return StoredTensor(
            name: name, extent: extent, file: file, offset: range.lowerBound + start + length)
    }

    private static func type(_ header: String) -> StoredType? {
        let types: [(String, StoredType)] = [
            ("'<f4'", .f32), ("'<f2'", .f16), ("'<f8'", .f64), ("'<i8'", .i64), ("'<i4'", .i32),
        ]
        return types.first { header.contains("'descr': \($0.0)") }?.1
    }

    private static func shape(_ header: String) -> [Int]? {
        guard let begin = header.range(of: "'shape': ("),
            let end = header[begin.upperBound...].firstIndex(of: ")")
        else { return nil }
        let parts = header[begin.upperBound..<end].split(separator: ",")
        let sizes = parts.compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
        return sizes.count == parts.count && sizes.allSatisfy { $0 >= 0 } ? sizes : nil
    }
}
