// SPDX-License-Identifier: Apache-2.0
// The server as a whole: what it serves, in which order requests pass through it.

import Attribution
import Explanations
import FeatureDictionaries
import Foundation
import Hummingbird
import HummingbirdCore
import Logging

/// How the server is started.
public struct ServerOptions: Sendable {
    /// The data tree.
    public var data: URL
    /// The page.
    public var web: URL
    /// The work files of the tree.
    public var work: URL
    /// A folder of dictionaries, one a layer; nil for `dictionaries` in the work folder.
    public var dictionaries: URL?
    /// Which of several for a layer, and where their features are described.
    public var dictionaryChoice = DictionaryChoice()
    /// A model folder or GGUF file; nil to do without.
    public var model: String?
    /// The address to listen at.
    public var host = "127.0.0.1"
    /// The port; 0 for any that is free.
    public var port = 8080
    /// Origins whose pages may use the server, besides its own.
    public var allowedOrigins: [String] = []
    /// Whether requests are logged.
    public var logsRequests = true

    /// Serves these folders.
    public init(data: URL, web: URL, work: URL, model: String?) {
        self.data = data
        self.web = web
        self.work = work
        self.model = model
    }
}

/// Serves a page, its data tree, and the operations on it.
public struct HeadVisServer: Sendable {
    private let options: ServerOptions
    private let tree: TreeStore
    private let model: ModelHost
    private let policy: OriginPolicy
    /// What the bodies of requests may take.
    private let requests = MemoryBudget(Self.mostRequests)
    private let note: @Sendable (String) -> Void

    /// Connections beyond these take the places of those that wait for their clients.
    private static let mostConnections = 512
    /// Of one address, so that other addresses always find a place.
    private static let mostOfOneAddress = 384
    /// Answers of operations that clients have not taken yet, in bytes.
    private static let mostAnswers = 64 << 20
    /// Requests that are being received, in bytes.
    private static let mostRequests = 128 << 20

    /// Prepares the server; nothing runs yet.
    ///
    /// - Parameter note: is given lines for the log, from any thread.
    public init(_ options: ServerOptions, note: @escaping @Sendable (String) -> Void) {
        self.options = options
        self.note = note
        tree = TreeStore(options.data)
        model = ModelHost(path: options.model)
        policy = OriginPolicy(
            host: options.host, machine: ProcessInfo.processInfo.hostName,
            allowedOrigins: options.allowedOrigins)
    }

    /// Begins to load the model, and clears away what a crash may have left in the tree.
    public func prepare() async throws {
        model.start(report: note)
        Self.allowOpenFiles()
        guard FileManager.default.fileExists(atPath: options.data.path) else {
            note("\(options.data.path): there is no data tree yet; run make data")
            return
        }
        do {
            try await tree.removeLeftovers()
            try await tree.changing { try StoredAttributions($0).completeManifest() }
        } catch {
            note(
                "\(options.data.path): files are served, and nothing can be stored in it (\(error))"
            )
        }
    }

    /// Every connection may have a file open beside itself.
    private static func allowOpenFiles() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, rlim_t(4 * mostConnections)))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Clears away what lies in the tree for writes to come; for when the application has ended.
    public func tidy() async throws { try await tree.removeLeftovers() }

    /// The application, to be run as a service.
    public func application() -> some ApplicationProtocol {
        var logger = Logger(label: "headvis")
        logger.logLevel = .error
        let (host, note) = (options.host, note)
        let connections = Connections(
            limit: Self.mostConnections, limitPerAddress: Self.mostOfOneAddress)
        return Application(
            router: router(),
            server: HTTPServerBuilder { responder in
                GuardedChannel(
                    responder: responder, connections: connections, patience: Patience(),
                    rest: .seconds(30))
            },
            configuration: ApplicationConfiguration(
                address: .hostname(options.host, port: options.port)),
            onServerRunning: { channel in
                let name = host.contains(":") ? "[\(host)]" : host
                note("serving at http://\(name):\(channel.localAddress?.port ?? 0)/")
            },
            logger: logger)
    }

    private func router() -> Router<ConnectionContext> {
        let router = Router(context: ConnectionContext.self, options: [])
        if options.logsRequests {
            router.add(middleware: RequestLogMiddleware(write: note))
        }
        router.add(
            middleware: ErrorMiddleware(
                frameAncestors: (["'self'"] + options.allowedOrigins).joined(separator: " ")))
        router.add(middleware: OriginMiddleware(policy: policy))
        router.add(
            middleware: StaticFiles(
                web: options.web.path, data: options.data.path, policy: policy))
        addOperations(to: router)
        return router
    }

    private func addOperations(to router: Router<ConnectionContext>) {
        let runner = HeadRunner()
        let custom = CustomSequenceStore(tree)
        let sequences = CustomSequenceEndpoints(
            tree: tree, sequences: custom, model: model, runner: runner)
        let clusters = ClusterEndpoint(tree: tree)
        let work = WorkFolder(options.work)
        let stored = StoredSequences(custom: custom, tree: tree, work: work)
        let projection = ProjectionEndpoint(
            tree: tree, sequences: stored, work: work, model: model, runner: runner)
        let shelf = DictionaryShelf(
            options.dictionaries ?? options.work.appending(path: "dictionaries"),
            choice: options.dictionaryChoice, work: options.work)
        let attribution = AttributionEndpoint(
            tree: tree, sequences: stored, work: work, model: model, runner: runner,
            dictionaries: shelf)
        let prompts = PromptEndpoints(
            tree: tree, sequences: stored, model: model, runner: runner)
        let notes = NotesEndpoint(tree: tree)
        let lab = LabEndpoints(
            tree: tree, sequences: stored, model: model, dictionaries: shelf, runner: LabRunner())
        let status = StatusEndpoint(
            tree: tree, model: model, projection: projection, attribution: attribution)
        let group = router.group("api/head_vis/public")
            .add(middleware: AnswerBudgetMiddleware(budget: MemoryBudget(Self.mostAnswers)))
        group.get("status/v0") { _, _ in status.answer }
        post("add_custom_sequence", in: group) { try await sequences.add($0) }
        post("delete_custom_sequence", in: group) { try await sequences.delete($0) }
        post("save_umap_clusters", in: group, upTo: largestClusters) {
            try await clusters.save($0)
        }
        post("project_to_umap", in: group) { try await projection.project($0) }
        post("add_prompt", in: group) { try await prompts.add($0) }
        post("arrange_prompts", in: group) { try await prompts.arrange($0) }
        post("sequence_pattern", in: group) { try await prompts.pattern($0) }
        post("attention_on_edge", in: group) { try await prompts.attention($0) }
        post("save_note", in: group) { try await notes.save($0) }
        addLab(lab, to: group)
        for kind in AttributionKind.allCases {
            post("\(kind.rawValue)_attributions", in: group) {
                try await attribution.attribute(kind, $0)
            }
        }
    }

    private func addLab(_ lab: LabEndpoints, to group: RouterGroup<ConnectionContext>) {
        post("ask_head", in: group) { try await lab.ask($0) }
        post("start_lab_job", in: group, upTo: largestJob) { try await lab.start($0) }
        post("lab_job", in: group) { try lab.status($0) }
        post("cancel_lab_job", in: group) { try lab.cancel($0) }
    }

    private func post<Body: Decodable & SendableMetatype>(
        _ name: String, in group: RouterGroup<ConnectionContext>, upTo limit: Int = largestBody,
        _ operation: @escaping @Sendable (Body) async throws -> Response
    ) {
        group.post("\(name)/v0") { request, _ in
            try await operation(
                try await request.decode(Body.self, upTo: limit, within: requests))
        }
        group.get("\(name)/v0") { _, _ -> Response in
            throw APIError(
                .methodNotAllowed, "\(name) is asked by POST.", headers: [.allow: "POST"])
        }
    }
}
