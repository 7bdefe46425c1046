// SPDX-License-Identifier: Apache-2.0
// Serves the page with its data, and the operations that need a program behind them.

import ArgumentParser
import Explanations
import Foundation
import Hummingbird
import Server
import Stages
import UserErrors

@main
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serves the page, its data, and live operations on them.",
        discussion: """
            Custom prompts, projections and attributions need the model of the scan, attributions \
            also a dictionary of the layer (make dictionary); clusters can be saved without. \
            Only programs on this machine can reach the server unless --host says otherwise.
            """,
        version: toolVersion)

    @Option(help: "The data tree.")
    var data = "data"

    @Option(help: "The page's folder.")
    var web = "web"

    @Option(help: "The work files that the tree was made from.")
    var work = "work"

    @Option(
        help: "Dictionaries of features, a folder for each layer (default: dictionaries in --work)."
    )
    var dictionaries: String?

    @OptionGroup var described: DescribedDictionaryArguments

    @Option(help: "The model of the scan: a Hugging Face folder, or a .gguf file.")
    var model: String?

    @Flag(help: "Do without the model, even if --model names one.")
    var noModel = false

    @Option(help: "The address to listen at; 0.0.0.0 for every one of this machine.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen at; 0 for any that is free.")
    var port = 8080

    @Option(help: "Let pages of this origin use the server, such as https://example.org.")
    var allowOrigin: [String] = []

    @Flag(help: "Do not log requests.")
    var quiet = false

    func validate() throws {
        guard (0...65_535).contains(port) else {
            throw ValidationError("--port must be from 0 to 65535, not \(port).")
        }
        for origin in allowOrigin where !OriginPolicy.isOrigin(origin) {
            throw ValidationError(
                "--allow-origin must be like https://example.org, without a path, not \(origin).")
        }
        if !FileManager.default.fileExists(atPath: "\(web)/index.html") {
            throw ValidationError("\(web): holds no index.html; --web names the page's folder.")
        }
    }

    func run() async throws {
        var options = ServerOptions(
            data: URL(filePath: data), web: URL(filePath: web), work: URL(filePath: work),
            model: noModel ? nil : model)
        options.dictionaries = dictionaries.map { URL(filePath: $0) }
        options.dictionaryChoice = described.choice
        options.host = host
        options.port = port
        options.allowedOrigins = allowOrigin
        options.logsRequests = !quiet
        let server = HeadVisServer(options) { note($0) }
        try await server.prepare()
        do { try await server.application().runService() } catch {
            throw UserError(
                "\(host):\(port): cannot be listened at (\(error)); is another program using it? --port takes another."
            )
        }
        try? await server.tidy()
    }
}
