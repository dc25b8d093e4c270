import Domain
import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization

/// Listens, serves, and stops in order.
public struct WebServer: Sendable {
    /// Where to listen.
    public struct Address: Hashable, Sendable {
        public var host: String
        public var port: Int

        /// - Parameter text: `HOST:PORT`, `[IPV6]:PORT`; port 0 takes a free one.
        /// - Throws: `Fault` of kind `.usage`.
        public init(_ text: String) throws(Fault) {
            guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
                (0...65_535).contains(port)
            else {
                throw Fault(
                    .usage, "--listen \(text) is not HOST:PORT",
                    advice: "for example --listen 127.0.0.1:8080, or 0.0.0.0:8080 for every address of this machine")
            }
            var host = String(text[..<colon])
            if host.hasPrefix("[") && host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
            guard !host.isEmpty else {
                throw Fault(.usage, "--listen \(text) names no host", advice: "for example --listen 127.0.0.1:8080")
            }
            self.host = host
            self.port = port
        }

        public var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    private let routes: ServerRoutes
    private let address: Address
    private let log: Logger

    /// Beyond the limit, while they read why.
    private static let refusedConnectionsMax = 256

    public init(routes: ServerRoutes, address: Address, log: Logger) {
        self.routes = routes
        self.address = address
        self.log = log
    }

    /// Serves until SIGTERM or SIGINT, or until the surrounding task is cancelled; see `Drain`.
    /// - Parameters:
    ///   - signals: that end it, by number; none for tests.
    ///   - reload: called at SIGHUP; nil: SIGHUP ends the process.
    ///   - ready: called once with the address that was bound.
    /// - Throws: `Fault` of kind `.osError` when the address cannot be bound.
    public func run(
        signals: [Int32] = [SIGTERM, SIGINT], reload: (@Sendable () -> Void)? = nil,
        ready: @escaping @Sendable (Address) async -> Void
    ) async throws {
        let isListening = Mutex(false)
        var quiet = log
        quiet.logLevel = max(log.logLevel, .warning)
        let host = address.host
        let runtime = routes.runtime
        let limits = runtime.traffic.limits
        let desk = CallDesk(routes: routes)
        let application = Application(
            router: routes.router(),
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: WebServer.handlers(desk, runtime.traffic),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 64 * 1024, maxHeaderFieldCount: 100))),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: "millrace", backlog: 4096,
                // Those that are being told that they are too many are connections, too.
                availableConnectionsDelegate: MaximumAvailableConnections(
                    limits.connections + WebServer.refusedConnectionsMax, logger: quiet)),
            onServerRunning: { channel in
                guard let port = channel.localAddress?.port else { return }
                isListening.withLock { $0 = true }
                await ready(Address(host: host, port: port))
            },
            logger: quiet)
        var configuration = ServiceGroupConfiguration(services: [application], logger: quiet)
        configuration.maximumGracefulShutdownDuration = .seconds(limits.graceSeconds)
        let group = ServiceGroup(configuration: configuration)
        if !signals.isEmpty { watch(signals, group, runtime, reload) }
        do {
            try await run(group)
        } catch let error as IOError {
            throw cannotListen(String(cString: strerror(error.errnoCode)))
        } catch {
            if isListening.withLock({ $0 }) || error is CancellationError { throw error }
            throw cannotListen("\(error)")
        }
    }

    /// Of one connection.
    private static func handlers(_ desk: CallDesk, _ traffic: TrafficGuard) -> [any RemovableChannelHandler] {
        let watch = ConnectionWatch(traffic: traffic)
        return [watch, CallHandler(desk: desk, watch: watch)]
    }

    /// What has been accepted and waits to be served must not be dropped: SwiftNIO traps at an unserved connection
    /// (`NIOAsyncWriter.deinit`). So the listening socket is closed first, and the rest a moment later.
    private func run(_ group: ServiceGroup) async throws {
        let running = Task { try await group.run() }
        try await withTaskCancellationHandler {
            try await running.value
        } onCancel: {
            Task {
                await group.triggerGracefulShutdown()
                try? await Task.sleep(for: .milliseconds(WebServer.lastAcceptedMilliseconds))
                running.cancel()
            }
        }
    }

    /// How long connections that were accepted last may wait to be taken up when the server is cancelled.
    private static let lastAcceptedMilliseconds = 1000

    private func watch(
        _ signals: [Int32], _ group: ServiceGroup, _ runtime: ServerRuntime, _ reload: (@Sendable () -> Void)?
    ) {
        let drain = Drain(limits: runtime.traffic.limits, log: runtime.logs[.server])
        SignalPipe.watch(reload == nil ? signals : signals + [SIGHUP]) { number in
            if number == SIGHUP, let reload { return reload() }
            drain.signalled(number, notReady: { runtime.beginDraining() }) {
                Task { await group.triggerGracefulShutdown() }
            }
        }
    }

    private func cannotListen(_ reason: String) -> Fault {
        Fault(
            .osError, "cannot listen on \(address.text): \(reason)",
            advice: "stop what uses this address, or choose another with --listen")
    }
}

extension WebServer.Address {
    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}
