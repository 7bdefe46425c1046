// SPDX-License-Identifier: Apache-2.0
// Two writers of one file, killed writers, and outputs that are no plain files.

import Foundation
import TestSupport
import Testing
import UserErrors
import WorkFiles

@Suite struct OutputClaimTests {
    @Test func `a second writer is told who is at it, and can write afterwards`() throws {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "scan.h5").path
            do {
                let first = try OutputClaim(path)
                let error = #expect(throws: UserError.self) { try OutputClaim(path) }
                #expect(error?.description.contains("process \(getpid()) on ") == true)
                #expect(first.temporaryPath != path)
            }
            _ = try OutputClaim(path)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        }
    }

    @Test func `what a killed writer left is removed, and nothing else`() throws {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "scan.h5").path
            let own = try OutputClaim(path).temporaryPath
            let leftover = own.replacing(".\(getpid()).partial", with: ".1.partial")
            for name in [leftover, folder.appending(path: ".scan.h5.mine").path, path + ".partial"]
            {
                try Data("x".utf8).write(to: URL(filePath: name))
            }
            _ = try OutputClaim(path)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
                    == [".scan.h5.mine", "scan.h5.partial"])
        }
    }

    @Test func `a folder, a link or a device is not replaced`() throws {
        try withTemporaryFolder { folder in
            let link = folder.appending(path: "link.h5")
            try FileManager.default.createSymbolicLink(
                at: link, withDestinationURL: folder.appending(path: "elsewhere"))
            for path in [folder.path, link.path, "/dev/null"] {
                let error = #expect(throws: UserError.self) { try OutputClaim(path) }
                #expect(error?.description.contains("not replaced") == true)
            }
        }
    }
}
