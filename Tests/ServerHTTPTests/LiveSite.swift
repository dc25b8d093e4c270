import Bytes
import Domain
import Foundation
import Glibc
import Logging
import ServerCore
import ServerHTTP
import Storage
import Synchronization
import Testing

/// A server on a port of the kernel's choice, with a store in memory and a folder of its own.
final class LiveSite: Sendable {
    /// Only a server that hangs is given up: on a machine with much else to do a step may take a minute.
    static let patience = Duration.seconds(300)

    let folder: URL
    let blobs: any BlobStore
    let probe: HTTPProbe
    let token: String
    private let parts: ServerStart.Parts
    private let serving: Task<Void, any Error>

    /// A store that a test may break and may hand to a second server.
    final class SharedStore: @unchecked Sendable {
        /// While on, every transaction fails as on a full disk.
        final class Switch: Sendable {
            private let state = Mutex(false)
            var isOn: Bool { state.withLock { $0 } }
            func set(_ on: Bool) { state.withLock { $0 = on } }
        }

        let broken = Switch()
        /// While on, the thread that writes waits.
        let held = Switch()
        /// While on, every transaction is applied, and nobody knows it.
        let uncertain = Switch()
        // Used by one writer thread at a time; the tests start the second after the first has stopped.
        let store: any Store

        /// - Parameter store: used as it is, without switches.
        init(_ store: any Store) { self.store = store }

        init() {
            let (broken, held, uncertain) = (broken, held, uncertain)
            store = FaultyStore(MemoryStore()) { _ in
                while held.isOn { usleep(1000) }
                var fate = broken.isOn ? CallFate(applied: false, reported: true) : .good
                if uncertain.isOn {
                    fate.reported = true
                    fate.failure = .uncertain("the database is gone")
                }
                return fate
            }
        }
    }

    static func start(
        units: Int = 2, store: SharedStore = SharedStore(),
        blobs: any BlobStore = MemoryBlobStore(hash: BlobHash.factory), folder: URL? = nil,
        clock: @escaping @Sendable () -> Timestamp = LiveSite.wall,
        options change: (inout ServerStart.Options) -> Void = { _ in }
    ) async throws -> LiveSite {
        let folder = folder ?? FileManager.default.temporaryDirectory.appending(path: "millrace-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        log.logLevel = .critical
        var options = ServerStart.Options(site: "Test <site>", workers: 2, webFolder: nil)
        // Beside all other tests a server may have to wait long for its turn.
        options.limits.bodySeconds = 3600
        options.limits.headSeconds = 3600
        options.limits.bodyBytesPerSecond = 0
        change(&options)
        let parts = try ServerStart.start(
            files: ServerFiles(path: folder.path), blobs: blobs,
            options: options, log: log,
            clock: clock,
            makePerformer: { FakeWorker(blobs: blobs, units: units) }, makeStore: { store.store })
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let server = WebServer(routes: parts.routes, address: try WebServer.Address("127.0.0.1:0"), log: log)
        let serving = Task {
            defer { found.finish() }
            try await server.run(signals: []) { found.yield($0.port) }
        }
        var iterator = ports.makeAsyncIterator()
        guard let port = await iterator.next() else {
            try await serving.value
            throw HTTPProbe.Failed(what: "the server did not start")
        }
        return try LiveSite(folder, blobs, port, parts, serving)
    }

    @Sendable static func wall() -> Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

    private init(
        _ folder: URL, _ blobs: any BlobStore, _ port: Int, _ parts: ServerStart.Parts,
        _ serving: Task<Void, any Error>
    ) throws {
        self.folder = folder
        self.blobs = blobs
        self.parts = parts
        self.serving = serving
        probe = HTTPProbe(port: port)
        token = try parts.files.adminToken()
    }

    var publicKey: VerifyingKey { parts.runtime.core.keys.project.publicKey }
    var admin: [String: String] { ["Authorization": "Bearer \(token)"] }

    /// What SIGTERM does first.
    func beginDraining() { parts.runtime.beginDraining() }

    /// The same server on another address.
    func serve(at address: WebServer.Address) async throws {
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        try await WebServer(routes: parts.routes, address: address, log: log).run(signals: []) { _ in }
    }

    /// Stops the server. The folder stays for the next one.
    func stop() async {
        serving.cancel()
        _ = await serving.result
        let parts = parts
        await withCheckedContinuation { done in
            Thread.detachNewThread {
                parts.runtime.stop()
                done.resume()
            }
        }
    }

    func end() async {
        await stop()
        try? FileManager.default.removeItem(at: folder)
    }
}

/// A test with a server, which is stopped whatever happens.
func withSite(
    units: Int = 2, store: LiveSite.SharedStore = .init(),
    blobs: any BlobStore = MemoryBlobStore(hash: BlobHash.factory),
    clock: @escaping @Sendable () -> Timestamp = LiveSite.wall,
    options: (inout ServerStart.Options) -> Void = { _ in }, _ body: (LiveSite) async throws -> Void
) async throws {
    let site = try await LiveSite.start(units: units, store: store, blobs: blobs, clock: clock, options: options)
    do {
        try await body(site)
    } catch {
        await site.end()
        throw error
    }
    await site.end()
}
