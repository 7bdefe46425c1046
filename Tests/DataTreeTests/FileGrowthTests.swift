// SPDX-License-Identifier: Apache-2.0
// Files that grow by insertion: what they hold, and that nobody who reads one sees it change.

import DataTree
import Foundation
import Synchronization
import Testing

@Suite struct FileGrowthTests {
    private func withFile(_ contents: [UInt8], _ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "headvis-growth-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let url = folder.appending(path: "list.json")
        try Data(contents).write(to: url)
        try body(url)
    }

    private func insert(
        _ bytes: [UInt8], at place: Int, into url: URL, _ growth: inout FileGrowth
    ) throws {
        let descriptor = open(url.path, O_RDONLY)
        defer { close(descriptor) }
        try growth.insert(bytes, at: place, into: url, current: descriptor)
    }

    @Test(arguments: [10, 300 << 10])
    func `Every insertion gives what cutting and joining gives`(size: Int) throws {
        var expected = (0..<size).map { UInt8(truncatingIfNeeded: $0 / 7) }
        try withFile(expected) { url in
            var growth = FileGrowth()
            for i in 0..<20 {
                let bytes = [UInt8](repeating: UInt8(i), count: i * 1000 + 1)
                // Mostly near the end; sometimes before what was inserted last.
                let place = i % 5 == 4 ? expected.count / 2 : expected.count - 2
                try insert(bytes, at: place, into: url, &growth)
                expected.insert(contentsOf: bytes, at: place)
                #expect([UInt8](try Data(contentsOf: url)) == expected, "insertion \(i)")
            }
        }
    }

    @Test func `After the file was replaced, only what is the same is relied on`() throws {
        var expected = [UInt8](repeating: 1, count: 400 << 10)
        try withFile(expected) { url in
            var growth = FileGrowth()
            for i in 0..<4 { try insert([2, 2], at: expected.count + 2 * i, into: url, &growth) }
            expected += [UInt8](repeating: 2, count: 8)
            expected.removeSubrange(1000..<3000)
            expected[1000] = 9
            try DurableFile.replace(url, with: expected)
            growth.fileChanged(from: 1000)
            for _ in 0..<3 {
                try insert([3], at: expected.count - 1, into: url, &growth)
                expected.insert(3, at: expected.count - 1)
                #expect([UInt8](try Data(contentsOf: url)) == expected)
            }
        }
    }

    @Test func `What somebody has opened, or holds under another name, never changes`() throws {
        try withFile([UInt8](repeating: 1, count: 300 << 10)) { url in
            var growth = FileGrowth()
            var opened: [(Int32, Int)] = []
            defer { for (descriptor, _) in opened { close(descriptor) } }
            var links: [(URL, Int)] = []
            for i in 0..<12 {
                let size = (300 << 10) + i
                if i % 3 == 0 { opened.append((open(url.path, O_RDONLY), size)) }
                if i % 4 == 0 {
                    let link = url.deletingLastPathComponent().appending(path: "link-\(i)")
                    try FileManager.default.linkItem(at: url, to: link)
                    links.append((link, size))
                }
                try insert([UInt8(i + 2)], at: size - 1, into: url, &growth)
            }
            func isWhole(_ bytes: [UInt8], _ size: Int) -> Bool {
                let added = size - (300 << 10)
                return bytes.count == size && bytes.last == 1
                    && Array(bytes.dropLast().suffix(added)) == (0..<added).map { UInt8($0 + 2) }
            }
            for (descriptor, size) in opened {
                var bytes = [UInt8](repeating: 0, count: 400 << 10)
                let n = pread(descriptor, &bytes, bytes.count, 0)
                #expect(isWhole(Array(bytes[..<max(0, n)]), size))
            }
            for (link, size) in links {
                #expect(isWhole([UInt8](try Data(contentsOf: link)), size))
            }
        }
    }

    /// Some go for the spare itself, so that the system has to hold them back.
    @Test func `Who reads while it grows reads one whole state`() throws {
        let size = 300 << 10
        try withFile([UInt8](repeating: 1, count: size)) { url in
            let isDone = Atomic(false)
            let torn = Atomic(0)
            let spare = url.deletingLastPathComponent().appending(path: ".list.json.spare.tmp")
            let readers = (0..<4).map { i in
                Thread {
                    while !isDone.load(ordering: .relaxed) {
                        guard let data = try? Data(contentsOf: i == 3 ? spare : url) else {
                            continue
                        }
                        // A spare that is being copied is nobody's to read.
                        guard i < 3 else { continue }
                        let added = data.dropFirst(size - 1).dropLast()
                        if data.count < size || data.last != 1 || !added.allSatisfy({ $0 == 2 }) {
                            torn.add(1, ordering: .relaxed)
                        }
                    }
                }
            }
            readers.forEach { $0.start() }
            var growth = FileGrowth()
            for i in 0..<150 {
                try insert([2, 2, 2], at: size - 1 + 3 * i, into: url, &growth)
            }
            isDone.store(true, ordering: .relaxed)
            while !readers.allSatisfy(\.isFinished) { usleep(1000) }
            #expect(torn.load(ordering: .relaxed) == 0)
        }
    }

    @Test func `Two insertions in one tick of the clock have different times of change`() throws {
        try withFile([UInt8](repeating: 1, count: 300 << 10)) { url in
            var growth = FileGrowth()
            var seen: Set<Int> = []
            for i in 0..<50 {
                try insert([7], at: (300 << 10) + i, into: url, &growth)
                var info = stat()
                stat(url.path, &info)
                seen.insert(info.st_mtim.tv_sec * 1_000_000_000 + info.st_mtim.tv_nsec)
            }
            #expect(seen.count == 50)
        }
    }

    @Test func `Nothing lies beside a small file`() throws {
        try withFile([1, 2, 3]) { url in
            var growth = FileGrowth()
            try insert([4], at: 2, into: url, &growth)
            let names = try FileManager.default.contentsOfDirectory(
                atPath: url.deletingLastPathComponent().path)
            #expect(names == ["list.json"])
        }
    }
}
