// SPDX-License-Identifier: Apache-2.0
// What people call a model, by where it lies.

import Foundation
import Stages
import TestSupport
import Testing

@Suite struct ModelNameTests {
    @Test(arguments: [
        ("models/tiny.Q4_1.gguf", "tiny.Q4_1"), ("/x/Qwen2.5-0.5B", "Qwen2.5-0.5B"),
        ("models/hub/owner--name", "owner/name"), ("models/hub/gpt2", "gpt2"),
        ("models/hub/EleutherAI--pythia-160m@step1000", "EleutherAI/pythia-160m@step1000"),
        ("models/hub/owner--name@refs--pr--1", "owner/name@refs/pr/1"),
        ("/cache/models--owner--name", "owner/name"),
        ("/cache/models--owner--name/snapshots/abc", "owner/name"),
    ])
    func `a model is called by its id on the Hub, or by its file`(path: String, name: String) {
        #expect(LoadedModel.name(of: URL(filePath: path)) == name)
    }

    @Test func `a snapshot in the Hub's cache is called by the revision that leads to it`() throws {
        try withTemporaryFolder { cache in
            let repository = cache.appending(path: "models--owner--name")
            let refs = repository.appending(path: "refs/refs/pr")
            try FileManager.default.createDirectory(at: refs, withIntermediateDirectories: true)
            for (name, commit) in [
                ("main", "a1"), ("step1000", "b2"), ("step9", "c3"), ("refs/pr/1", "c3"),
            ] {
                try Data(commit.utf8).write(to: repository.appending(path: "refs/\(name)"))
            }
            for (commit, name) in [
                ("a1", "owner/name"), ("b2", "owner/name@step1000"), ("c3", "owner/name@refs/pr/1"),
                ("0123456789abcdef", "owner/name@0123456789"),
            ] {
                let snapshot = repository.appending(path: "snapshots/\(commit)")
                #expect(LoadedModel.name(of: snapshot) == name)
            }
        }
    }
}
