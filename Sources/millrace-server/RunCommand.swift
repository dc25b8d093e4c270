import ArgumentParser
import Bytes
import Domain
import Glibc
import Logging
import ServerCore
import ServerHTTP
import Storage
import StorageSQLite
import WorkerHost

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs the server until SIGTERM or SIGINT.",
        discussion: """
            Example: millrace-server run --data /var/lib/millrace --listen 127.0.0.1:8080 --site "My institute"

            The first start makes the data directory, the project's key (keys/project.key) and the token of scientists \
            and admins (admin.token). A later start goes on where the last one stopped, however it ended. The address \
            that was bound is written to the file address.

            Everything can stand in a file, a line `name = value` each, with the names of the flags and limit.NAME \
            (s3-all = yes); flags win. Passwords and keys stand in neither. SIGHUP reads the file again and takes over \
            the levels of the log.

            SIGTERM: /readyz says no, drain-seconds later nothing new is accepted, running requests get grace-seconds, \
            the last writes are made. A second SIGTERM ends at once; nothing that was acknowledged is lost.

            Exit codes: 0 stopped in order, 64 wrong arguments, 66 the configuration file is not there, 71 the address \
            cannot be used, 73 the disk cannot be written, 75 ended at once, 78 the configuration is wrong, the data \
            directory is in use or of a newer version, or millrace-worker is not there.
            """)

    @Option(help: "A file with settings.")
    var config: String?

    @Option(help: "The data directory; made when it is not there.")
    var data: String?

    @OptionGroup var rows: DatabaseOption

    @Option(help: "HOST:PORT to listen on; port 0 takes a free one. Default: 127.0.0.1:8080.")
    var listen: String?

    @Option(help: "What the site calls itself. Default: Millrace.")
    var site: String?

    @Option(help: "Worker children that split, check, compare and assemble. Default: half the cores.")
    var workers: Int?

    @Option(help: "A folder with page templates and style that replace the built-in ones.")
    var web: String?

    @Option(
        name: [.customLong("log"), .customLong("log-level")],
        help: """
            From which level on the log is written, for all and by area: info,http=debug. Levels: trace, debug, info, \
            notice, warning, error, critical; areas: server, http, jobs, ledger, disk. Default: info.
            """)
    var log: String?

    @Option(name: .customLong("trust-proxy"), help: "The address of a proxy whose X-Forwarded-For is believed.")
    var trustedProxies: [String] = []

    @Option(name: .customLong("limit"), help: "NAME=VALUE: another bound than the default; docs/admin.md lists them.")
    var limits: [String] = []

    @OptionGroup(title: "Where blobs lie")
    var blobOptions: BlobOptions

    func run() async throws {
        try await endingInOrder {
            let settings = try settings()
            let address = try WebServer.Address(settings.listen)
            let levels = try LogLevels(settings.log)
            let logs = ServerLogs(levels: levels) { StreamLogHandler.standardError(label: $0) }
            LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
            let rows = rows.with(settings)
            let directory = try rows.openDirectory(settings.data ?? "")
            let executable = try WorkerLocator.find()
            let cores = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
            var options = ServerStart.Options(
                site: settings.site, workers: settings.workers ?? max(1, cores / 2), webFolder: settings.web)
            options.limits = bounded(settings.limits, logs)
            options.trustedProxies = Set(settings.trustedProxies)
            options.logs = logs
            let parts = try ServerStart.start(
                files: ServerFiles(path: directory.path),
                blobs: try blobOptions.with(settings.bucket).open(directory) { logs[.disk].warning("\($0)") },
                options: options,
                log: logs[.server],
                clock: wallClock, makePerformer: { ChildPerformer(executable: executable) },
                leadership: rows.leadership, makeStore: { [rows] in try configured { try rows.openStore(directory) } })
            defer { parts.runtime.stop() }
            let server = WebServer(routes: parts.routes, address: address, log: logs[.server])
            try await server.run(reload: { reload(levels, logs[.server]) }) { bound in
                announce(bound, parts, logs[.server])
            }
            logs[.server].info("stopped")
        }
    }

    /// The file's settings, and over them the flags'.
    private func settings() throws(Fault) -> ServerConfiguration {
        var settings = ServerConfiguration()
        if let config { try settings.readFile(config) }
        let flags = [
            ("data", data), ("listen", listen), ("site", site), ("workers", workers.map { "\($0)" }), ("web", web),
            ("log", log), ("database", rows.database), ("blobs", blobOptions.blobs),
            ("s3-endpoint", blobOptions.endpoint), ("s3-region", blobOptions.region),
            ("s3-credentials", blobOptions.credentials), ("s3-all", blobOptions.all ? "yes" : nil),
        ]
        for (name, value) in flags {
            guard let value else { continue }
            do { try settings.set(name, to: value) } catch {
                throw Fault(error.kind, "--" + error.message, advice: error.advice)
            }
        }
        for proxy in trustedProxies { try settings.set("trust-proxy", to: proxy) }
        for limit in limits { try settings.setLimit(limit) }
        guard settings.data != nil else {
            throw Fault(
                .usage, "no data directory is named", advice: "--data DIR, or a line data = DIR in the file of --config"
            )
        }
        return settings
    }

    /// A connection needs a file, and often a blob beside it: more connections than that would end in errors.
    private func bounded(_ limits: ServerLimits, _ logs: ServerLogs) -> ServerLimits {
        let files = Int(clamping: OpenFileLimit.raise())
        var limits = limits
        let most = max(64, files / 4 * 3 - 64)
        if limits.connections > most {
            logs[.server].notice(
                "the limit of open files allows fewer connections",
                metadata: ["connections": "\(most)", "open files": "\(files)"])
            limits.connections = most
        }
        return limits
    }

    /// At SIGHUP. A file that is wrong changes nothing.
    private func reload(_ levels: LogLevels, _ log: Logger) {
        do {
            let settings = try settings()
            try levels.set(settings.log)
            log.notice("the configuration was read again", metadata: ["log": "\(settings.log)"])
        } catch {
            log.error("the configuration stays as it was", metadata: ["error": "\(error)"])
        }
    }

    private func announce(_ bound: WebServer.Address, _ parts: ServerStart.Parts, _ log: Logger) {
        let url = "http://\(bound.text)"
        do {
            try parts.files.writeAddress(url)
        } catch {
            log.error("the address file cannot be written", metadata: ["error": "\(error)"])
        }
        let key = parts.runtime.core.keys.fingerprint
        let text = "millrace-server listens on \(url), project key \(key), admin token in \(parts.files.tokenPath)"
        say(text, to: STDOUT_FILENO)
    }
}

/// Milliseconds since 1970 by the machine's clock.
@Sendable func wallClock() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
}

/// What is wrong with a data directory, a damaged database included, is a fault of configuration.
func configured<T>(_ open: () throws -> T) throws -> T {
    do {
        return try open()
    } catch let error as StoreError {
        var fault = error.fault
        if fault.kind == .badData { fault.kind = .configuration }
        throw fault
    }
}
