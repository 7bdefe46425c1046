// SPDX-License-Identifier: Apache-2.0
// Which files a corpus has, and what is said of those that cannot be read.

import Corpora
import Foundation
import TestSupport
import Testing

@Suite struct FilesTests {
    private func write(_ names: [String], in folder: URL) throws {
        for name in names {
            let url = folder.appending(path: name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            let text = name.lowercased().contains("json") ? "{\"text\":\"\(name)\"}\n" : "\(name)\n"
            try Data(text.utf8).write(to: url)
        }
    }

    @Test func `a folder is read with all below it, sorted, hidden and foreign files left out`()
        throws
    {
        try withTemporaryFolder { folder in
            try write(
                [
                    "b.txt", "a/z.jsonl", "a/B.txt", "a10.txt", "a9.txt", ".git/c.txt", ".d.txt",
                    "README.md", "x.csv", "c.JSON",
                ],
                in: folder)
            let reading = Reading([folder.path])
            #expect(
                reading.texts == ["a/B.txt", "a/z.jsonl", "a10.txt", "a9.txt", "b.txt", "c.JSON"])
            #expect(reading.documents.first?.source == folder.path + "/a/B.txt")
            #expect(Reading([folder.path + "/"]).texts == reading.texts)
        }
    }

    @Test func `folders that link to each other are read once, links to files like files`() throws {
        try withTemporaryFolder { folder in
            try write(["a/one.txt", "store/blob"], in: folder)
            let manager = FileManager.default
            try manager.createSymbolicLink(
                atPath: folder.path + "/a/loop", withDestinationPath: folder.path)
            try manager.createSymbolicLink(
                atPath: folder.path + "/a/two.txt", withDestinationPath: folder.path + "/store/blob"
            )
            #expect(Reading([folder.path + "/a"]).texts == ["a/one.txt", "store/blob"])
        }
    }

    @Test func `a glob is what it matches, sorted, and a name with brackets is itself`() throws {
        try withTemporaryFolder { folder in
            try write(["s-2.txt", "s-10.txt", "t.txt", "[x].txt", "d/in.txt"], in: folder)
            #expect(Reading([folder.path + "/s-*.txt"]).texts == ["s-10.txt", "s-2.txt"])
            #expect(Reading([folder.path + "/[x].txt"]).texts == ["[x].txt"])
            #expect(Reading([folder.path + "/?"]).texts == ["d/in.txt"])
            let none = Reading([folder.path + "/q*.txt"])
            #expect(
                none.error?.description
                    == "No file matches \(folder.path)/q*.txt: check the pattern.")
        }
    }

    @Test func `several paths are read in the order given`() throws {
        try withTemporaryFolder { folder in
            try write(["a.txt", "b.txt"], in: folder)
            let paths = [folder.path + "/b.txt", folder.path + "/a.txt"]
            let reader = try CorpusReader(paths: paths, options: CorpusOptions())
            #expect(reader.files == paths)
            #expect(Reading(paths).texts == ["b.txt", "a.txt"])
        }
    }

    @Test func `what cannot be read is refused in a sentence that names it`() throws {
        try withTemporaryFolder { folder in
            try write(["a.csv", "p/a.parquet", "q/a.csv", "plain", "x.gz"], in: folder)
            func message(_ path: String) -> String {
                Reading([folder.path + path]).error?.description ?? "no error"
            }
            for path in ["/a.csv", "/plain", "/x.gz"] {
                #expect(
                    message(path).hasPrefix(folder.path + path + " has an ending that is not read"))
            }
            #expect(message("/p/a.parquet").contains("make data DATASET="))
            #expect(message("/p").contains("a.parquet is Parquet"))
            #expect(message("/q").contains("has no file to read: .txt"))
            #expect(message("/none.txt").hasSuffix("none.txt: No such file or directory."))
            #expect(Reading([]).error != nil)
            #expect(Reading(["-", "-"]).error?.description.contains("once") == true)
        }
    }

    @Test(arguments: ["", ".gz", ".zst"]) func `a pipe is looked into for what it holds`(
        ending: String
    ) throws {
        func readPipe(_ text: String) throws -> Reading {
            let pipe = Pipe()
            try pipe.fileHandleForWriting.write(contentsOf: pack(Data(text.utf8), ending))
            try pipe.fileHandleForWriting.close()
            return Reading(["/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"])
        }
        let lines = try readPipe("{ \"text\": \"one\"}\n{\"text\":\"two\"}\n")
        #expect(lines.texts == ["one", "two"])
        #expect(lines.report.totalBytes == nil)
        #expect(try readPipe("{one}\ntwo\n").texts == ["{one}", "two"])
        #expect(try readPipe("x").texts == ["x"])
    }
}
