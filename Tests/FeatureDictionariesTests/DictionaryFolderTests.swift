// SPDX-License-Identifier: Apache-2.0
// Finding the dictionary of a layer among folders.

import FeatureDictionaries
import Foundation
import TestSupport
import Testing
import UserErrors

@Suite struct DictionaryFolderTests {
    @Test func `a dictionary is found by its folder's name or by its hook`() throws {
        try withTemporaryFolder { parent in
            try SAELensFixtures.copy("topk", to: parent.appending(path: "L2"))
            try SAELensFixtures.copy("standard-raw", to: parent.appending(path: "mine"))
            try SAELensFixtures.copy(
                "old-topk", to: parent.appending(path: "other"),
                changing: ["hook_name": "blocks.1.hook_mlp_out"])
            try Data().write(to: parent.appending(path: "notes.txt"))
            let folder = DictionaryFolder(parent)
            #expect(try folder.locate(layer: 2)?.folder.lastPathComponent == "L2")
            #expect(try folder.locate(layer: 3)?.folder.lastPathComponent == "mine")
            #expect(try folder.locate(layer: 1) == nil)
            #expect(folder.folder(forLayer: 1).lastPathComponent == "L1")
            #expect(try folder.dictionary(forLayer: 3, dModel: 16, layers: 4)?.layer == 3)
            #expect(try folder.dictionary(forLayer: 0, dModel: 16, layers: 4) == nil)
        }
    }

    @Test func `two dictionaries for one layer are refused by name`() throws {
        try withTemporaryFolder { parent in
            try SAELensFixtures.copy("topk", to: parent.appending(path: "first"))
            try SAELensFixtures.copy("gated", to: parent.appending(path: "second"))
            let error = #expect(throws: UserError.self) {
                _ = try DictionaryFolder(parent).locate(layer: 2)
            }
            #expect(error?.description.contains("first") == true)
            #expect(error?.description.contains("second") == true)
            try SAELensFixtures.copy("jumprelu", to: parent.appending(path: "L2"))
            #expect(
                try DictionaryFolder(parent).locate(layer: 2)?.folder.lastPathComponent == "L2")
        }
    }

    @Test func `a folder that is a dictionary itself, and one that does not exist`() throws {
        let single = DictionaryFolder(SAELensFixtures.folder("topk"))
        let files = try #require(try single.locate(layer: 2))
        #expect(files.files.map(\.lastPathComponent) == ["cfg.json", "sae_weights.safetensors"])
        #expect(files.files.allSatisfy { FileManager.default.fileExists(atPath: $0.path) })
        #expect(try DictionaryFolder(URL(filePath: "/nowhere")).locate(layer: 2) == nil)
    }

    @Test func `a half dictionary is an error, not the lack of one`() throws {
        try withTemporaryFolder { parent in
            let half = parent.appending(path: "L2")
            try SAELensFixtures.copy("topk", to: half)
            try FileManager.default.removeItem(at: half.appending(path: "cfg.json"))
            #expect(throws: UserError.self) {
                _ = try DictionaryFolder(parent).dictionary(forLayer: 2, dModel: 16, layers: 4)
            }
        }
    }
}
