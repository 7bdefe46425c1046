// SPDX-License-Identifier: Apache-2.0
// Text as other systems write it.

import Foundation
import TestSupport
import Testing

@Suite struct ForeignTextTests {
    @Test(arguments: ["nan.jsonl", "cr_only.txt", "long31.jsonl.zst"])
    func `all six documents are read`(name: String) {
        let reading = Reading([Fixtures.url("cases/corpora/\(name)").path])
        #expect(reading.error == nil)
        #expect(reading.texts.count == 6)
    }

    @Test(arguments: [("utf16.txt", "iconv"), ("lfs.txt", "git lfs pull")])
    func `what is no text here is refused with what to do`(name: String, advice: String) {
        let reading = Reading([Fixtures.url("cases/corpora/\(name)").path])
        #expect(reading.error?.description.contains(advice) == true)
        #expect(reading.texts.isEmpty)
    }

    @Test func `zeros at every second byte are UTF-16 without its mark`() throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(path: "a.txt")
            try Data("hello there".utf8.flatMap { [$0, 0] }).write(to: file)
            #expect(Reading([file.path]).error?.description.contains("UTF-16") == true)
        }
    }
}
