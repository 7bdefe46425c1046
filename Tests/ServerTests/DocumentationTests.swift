// SPDX-License-Identifier: Apache-2.0
// The examples of docs/serve.md, run as they stand.

import Foundation
import TestSupport
import Testing

@Suite struct DocumentationTests {
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/curl"), "curl"))
    func `Every curl example of the documentation works`() async throws {
        let page = Fixtures.root.appending(path: "../../docs/serve.md").standardizedFileURL
        let text = try String(contentsOf: page, encoding: .utf8)
        let examples = text.matches(of: /```sh\n((?:.|\n)*?)```/).map { String($0.output.1) }
        try #require(examples.count == 13)
        try await TestSite.with { site in
            let server = try ServerProcess(
                site, arguments: ["--quiet", "--dictionaries", site.run.dictionaries.path])
            defer { server.killNow() }
            for example in examples {
                let answer = try Programs.run(
                    URL(filePath: "/bin/bash"), ["-euo", "pipefail", "-c", example],
                    environment: ["SERVER": "http://127.0.0.1:\(server.port)"])
                _ = try object(Array(answer.utf8))
            }
        }
    }
}
