// SPDX-License-Identifier: Apache-2.0
// What a new tree keeps of the one whose place it takes.

import DataTree
import Foundation
import TestSupport
import Testing

@Suite struct TreeReplacementTests {
    @Test func `a new tree takes the old one's place whole, and keeps what it is told to`() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "data")
            let first = try TreeReplacement(of: url)
            try first.write(Array("1".utf8), to: "heads/L0H0.json")
            try first.write(Array("old".utf8), to: "custom_sequences/L0H0.json")
            #expect(!FileManager.default.fileExists(atPath: url.path))
            try first.finish()
            #expect(first.current("heads/L0H0.json") == Data("1".utf8))
        }
    }

    @Test func `files that are not kept are gone from the next tree`() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "data")
            do {
                let first = try TreeReplacement(of: url)
                try first.write(Array("1".utf8), to: "heads/L0H0.json")
                try first.write(Array("mine".utf8), to: "custom_sequences/L0H0.json")
                try first.finish()
            }
            let second = try TreeReplacement(of: url)
            try second.keep("custom_sequences")
            try second.finish()
            #expect(second.current("heads/L0H0.json") == nil)
            #expect(second.current("custom_sequences/L0H0.json") == Data("mine".utf8))
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(names.sorted() == [".data.lock", "data"])
        }
    }

    @Test func `only unfinished trees of this program are removed, and others' files stay`() throws
    {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "data")
            let foreign = [
                folder.appending(path: "data.new"), folder.appending(path: ".data.headvis-7"),
            ]
            for folder in foreign {
                try FileManager.default.createDirectory(
                    at: folder, withIntermediateDirectories: true)
                try Data("mine".utf8).write(to: folder.appending(path: "thesis.txt"))
            }
            // What a run that was killed at once leaves.
            try FileManager.default.createDirectory(
                at: folder.appending(path: ".data.headvis-8"), withIntermediateDirectories: true)
            do { try TreeReplacement(of: url).finish() }
            try Data("my notes".utf8).write(to: url.appending(path: "notes.txt"))
            try Data("1".utf8).write(to: url.appending(path: "heads/L0H0.json"))
            do {
                let abandoned = try TreeReplacement(of: url)
                try abandoned.write(Array("2".utf8), to: "config.json")
            }
            let next = try TreeReplacement(of: url)
            try next.keepOthers { $0.hasPrefix("heads/") }
            try next.finish()
            #expect(next.current("notes.txt") == Data("my notes".utf8))
            #expect(next.current("heads/L0H0.json") == nil)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
                    == [".data.headvis-7", ".data.lock", "data", "data.new"])
        }
    }
}
