import Bytes
import Domain
import Logging
import ServerCore
import Storage
import Synchronization
import Wire
import WorkerHost

/// Puts the server together from a data directory that is open.
public enum ServerStart {
    /// What an operator chose.
    public struct Options: Sendable {
        public var site: String
        public var workers: Int
        public var webFolder: String?
        /// How often uploads that nobody goes on with are looked for.
        public var sweepEvery: Duration = .seconds(3600)
        public var limits = ServerLimits()
        /// Addresses of proxies whose `X-Forwarded-For` is believed.
        public var trustedProxies: Set<String> = []
        /// What is free where a path lies; nil when the system does not tell.
        public var space: @Sendable (String) -> DiskSpace? = { FileAccess.space($0) }
        /// Loggers by area; nil: one for all.
        public var logs: ServerLogs?
        /// Work units of a batch that are made ahead of the hosts; nil: as the core has it.
        public var readyUnitsMax: Int64?

        public init(site: String, workers: Int, webFolder: String?) {
            self.site = site
            self.workers = workers
            self.webFolder = webFolder
        }
    }

    /// What runs.
    public struct Parts: Sendable {
        public var runtime: ServerRuntime
        public var routes: ServerRoutes
        public var files: ServerFiles
    }

    /// - Parameter makePerformer: a worker child, or what a test puts in its place. The first is asked for its apps.
    public static func start(
        files: ServerFiles, blobs: any BlobStore, options: Options, log: Logger,
        clock: @escaping @Sendable () -> Timestamp, makePerformer: () -> any JobPerformer,
        leadership: any Leadership = SoleLeadership(), makeStore: @escaping @Sendable () throws -> any Store
    ) throws -> Parts {
        let key = try files.projectKey()
        let token = try files.adminToken()
        try files.makeResultsFolder()
        let web = try WebFolder(folder: options.webFolder)
        let performers = (0..<max(1, options.workers)).map { _ in makePerformer() }
        let shelf = ManifestShelf(blobs: blobs, apps: try apps(of: performers[0]))
        let releases = ReleaseShelf(path: files.releasesPath, project: key)
        var settings = ServerSettings(site: options.site, resultsPath: files.resultsPath)
        if let ready = options.readyUnitsMax { settings.readyUnitsMax = ready }
        let core = ProjectServer(
            settings: settings, keys: ServerKeys(project: key), blobs: blobs,
            programs: { name, version, now in releases.listing(name, version, now: now) }, spec: { try shelf.spec($0) })
        if !leadership.isShared { try UploadSweep(blobs: blobs, clock: clock).run() }
        let runtime = try ServerRuntime(
            core: core, manifests: shelf, performers: performers, logs: options.logs ?? ServerLogs(all: log),
            files: files, options: options, clock: clock, leadership: leadership, makeStore: makeStore)
        let routes = ServerRoutes(runtime: runtime, files: files, web: web, token: token)
        return Parts(runtime: runtime, routes: routes, files: files)
    }

    private static func apps(of performer: any JobPerformer) throws -> [AppSchema] {
        var job = WireWorkerJob()
        job.describe = WireDescribeJob()
        let reply = try performer.perform(job, timeoutSeconds: 60)
        guard case .catalogue(let catalogue) = reply.reply else {
            throw Fault(.protocolError, "millrace-worker does not say which apps it has")
        }
        do {
            return try catalogue.apps.map { app throws(WireError) in try app.domain() }
        } catch {
            throw Fault(.protocolError, "millrace-worker lists an app that makes no sense: \(error)")
        }
    }
}

/// Removes uploads that nobody went on with for two weeks: at the start, and from time to time.
struct UploadSweep: Sendable {
    let blobs: any BlobStore
    let clock: @Sendable () -> Timestamp
    private static let staleSeconds = 14.0 * 86_400

    init(blobs: any BlobStore, clock: @escaping @Sendable () -> Timestamp) {
        self.blobs = blobs
        self.clock = clock
    }

    func run() throws {
        try blobs.removeStaleUploads(before: clock() + TimeSpan(seconds: -UploadSweep.staleSeconds))
    }
}
