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

            Exit codes: 0 stopped in order, 64 wrong arguments, 71 the address cannot be used, 73 the disk cannot be \
            written, 78 the data directory is in use or of a newer version, or millrace-worker is not there.
            """)

    @Option(help: "The data directory; made when it is not there.")
    var data: String

    @OptionGroup var rows: DatabaseOption

    @Option(help: "HOST:PORT to listen on; port 0 takes a free one.")
    var listen = "127.0.0.1:8080"

    @Option(help: "What the site calls itself.")
    var site = "Millrace"

    @Option(help: "Worker children that split, check, compare and assemble. Default: half the cores.")
    var workers: Int?

    @Option(help: "A folder with page templates and style that replace the built-in ones.")
    var web: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = "info"

    @OptionGroup(title: "Where blobs lie")
    var blobOptions: BlobOptions

    func run() async throws {
        try await endingInOrder {
            let address = try WebServer.Address(listen)
            let log = try logger()
            guard site.utf8.count <= 256, !site.isEmpty else { throw Fault(.usage, "--site needs 1 to 256 bytes") }
            OpenFileLimit.raise()
            let directory = try rows.openDirectory(data)
            let executable = try WorkerLocator.find()
            let cores = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
            let options = ServerStart.Options(
                site: site, workers: workers ?? max(1, cores / 2), webFolder: web)
            let parts = try ServerStart.start(
                files: ServerFiles(path: directory.path),
                blobs: try blobOptions.open(directory) { log.warning("\($0)") }, options: options, log: log,
                clock: wallClock, makePerformer: { ChildPerformer(executable: executable) },
                leadership: rows.leadership, makeStore: { [rows] in try configured { try rows.openStore(directory) } })
            defer { parts.runtime.stop() }
            try await WebServer(routes: parts.routes, address: address, log: log).run { bound in
                announce(bound, parts, log)
            }
            log.info("stopped")
        }
    }

    private func logger() throws -> Logger {
        guard let level = Logger.Level(rawValue: logLevel) else {
            let words = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw Fault(.usage, "--log-level \(logLevel) is not one of \(words)")
        }
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var log = Logger(label: "millrace-server")
        log.logLevel = level
        return log
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
