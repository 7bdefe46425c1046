// SPDX-License-Identifier: Apache-2.0
// Where the files of a zip archive lie, for archives that hold them as they are.
// Format: PKWARE, APPNOTE.TXT 6.3.10.

import UserErrors

/// The directory of an archive without compression, as PyTorch and NumPy write it.
struct ZipDirectory {
    /// The bytes of each file by its name.
    let files: [String: Range<Int>]

    private static let most = 1_000_000

    /// Whether a file begins as an archive does.
    static func isArchive(_ file: MappedFile) -> Bool {
        file.byteCount >= 4
            && (file.base.loadUnaligned(as: UInt32.self)).littleEndian == 0x0403_4B50
    }

    /// Reads the directory at the end of `file`.
    init(_ file: MappedFile) throws {
        let reader = Reader(file: file)
        let end = try reader.endRecord()
        guard end.count <= Self.most else { throw reader.broken }
        var files: [String: Range<Int>] = [:]
        var position = end.offset
        for _ in 0..<end.count {
            let entry = try reader.entry(at: position)
            position = entry.next
            guard entry.method == 0, entry.size == entry.storedSize else {
                throw UserError(
                    file.url,
                    "holds \(quoted(entry.name)) compressed, which no program that writes tensors does",
                    advice: "save the model again")
            }
            guard files.updateValue(try reader.contents(entry), forKey: entry.name) == nil else {
                throw reader.broken
            }
        }
        self.files = files
    }

    private struct Entry {
        let name: String
        let method: Int
        let storedSize: Int
        let size: Int
        let header: Int
        let next: Int
    }

    private struct Reader {
        let file: MappedFile

        var broken: UserError {
            UserError.malformed(file.url, "is a damaged or cut zip archive")
        }

        func number(_ size: Int, at position: Int) throws -> Int {
            guard position >= 0, position <= file.byteCount - size else { throw broken }
            var value: UInt64 = 0
            for i in (0..<size).reversed() {
                value =
                    value << 8
                    | UInt64(file.base.load(fromByteOffset: position + i, as: UInt8.self))
            }
            guard let number = Int(exactly: value) else { throw broken }
            return number
        }

        /// The record behind the directory, or the one for large archives that it stands for.
        func endRecord() throws -> (offset: Int, count: Int) {
            let size = 22
            var position = file.byteCount - size
            let lowest = max(0, position - 65_535)
            while position >= lowest, try number(4, at: position) != 0x0605_4B50 { position -= 1 }
            guard position >= lowest else { throw broken }
            let count = try number(2, at: position + 10)
            let offset = try number(4, at: position + 16)
            guard count == 0xFFFF || offset == 0xFFFF_FFFF else { return (offset, count) }
            guard position >= 20, try number(4, at: position - 20) == 0x0706_4B50 else {
                return (offset, count)
            }
            let record = try number(8, at: position - 12)
            guard try number(4, at: record) == 0x0606_4B50 else { throw broken }
            return (try number(8, at: record + 48), try number(8, at: record + 32))
        }

        func entry(at position: Int) throws -> Entry {
            guard try number(4, at: position) == 0x0201_4B50 else { throw broken }
            let method = try number(2, at: position + 10)
            var stored = try number(4, at: position + 20)
            var size = try number(4, at: position + 24)
            let nameLength = try number(2, at: position + 28)
            let extraLength = try number(2, at: position + 30)
            let commentLength = try number(2, at: position + 32)
            var header = try number(4, at: position + 42)
            let nameStart = position + 46
            guard nameStart + nameLength <= file.byteCount,
                let name = String(
                    validating: UnsafeRawBufferPointer(
                        start: file.base + nameStart, count: nameLength), as: UTF8.self)
            else { throw broken }
            var extra = nameStart + nameLength
            let next = extra + extraLength + commentLength
            while extra + 4 <= nameStart + nameLength + extraLength {
                let (kind, length) = (try number(2, at: extra), try number(2, at: extra + 2))
                if kind == 1 {
                    // Sizes beyond 32 bits, in this order, those that need it.
                    var field = extra + 4
                    for value in [\PartialSizes.size, \.stored, \.header] {
                        var sizes = PartialSizes(size: size, stored: stored, header: header)
                        guard sizes[keyPath: value] == 0xFFFF_FFFF, field + 8 <= extra + 4 + length
                        else { continue }
                        sizes[keyPath: value] = try number(8, at: field)
                        (size, stored, header) = (sizes.size, sizes.stored, sizes.header)
                        field += 8
                    }
                }
                extra += 4 + length
            }
            return Entry(
                name: name, method: method, storedSize: stored, size: size, header: header,
                next: next)
        }

        private struct PartialSizes {
            var size: Int
            var stored: Int
            var header: Int
        }

        /// Where an entry's bytes lie: behind a header of its own.
        func contents(_ entry: Entry) throws -> Range<Int> {
            guard try number(4, at: entry.header) == 0x0403_4B50 else { throw broken }
            let start =
                entry.header + 30 + (try number(2, at: entry.header + 26))
                + (try number(2, at: entry.header + 28))
            guard entry.size <= file.byteCount, start <= file.byteCount - entry.size else {
                throw broken
            }
            return start..<start + entry.size
        }
    }
}
