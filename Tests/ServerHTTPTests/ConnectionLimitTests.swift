import Bytes
import Domain
import Foundation
import Glibc
import ServerHTTP
import Storage
import Testing
import Wire

/// Strangers who hold connections, with real sockets.
@Suite("Connections are bounded in number and time")
struct ConnectionLimitTests {
    @Test("Beyond the limit a connection is told so and closed; when others have gone, the next is welcome")
    func beyondTheLimit() async throws {
        let change: (inout ServerStart.Options) -> Void = {
            $0.limits.connections = 20
            Self.patient(&$0)
        }
        try await withSite(options: change) { site in
            var idle = try await taken(20, site)
            let next = try RawConnection(port: site.probe.port)
            next.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            try await LiveSite.eventually {
                next.look()
                return next.isEnded
            }
            #expect(next.text.hasPrefix("HTTP/1.1 503 "), "\(next.text)")
            #expect(next.text.lowercased().contains("retry-after: ") && !next.wasReset)
            #expect(try next.errorReply().code == "unavailable")
            for connection in idle { connection.look() }
            #expect(idle.allSatisfy { !$0.isEnded }, "those who were first stay")
            idle.removeLast(10)
            try await LiveSite.eventually { try await site.probe.send("GET", "/healthz").status == 200 }
        }
    }

    /// Connections that do nothing and are all that may be open: one more is refused.
    ///
    /// They are counted on two event loops, so a look at the server may come between two of them and take a place for a
    /// moment; whoever was refused for it is replaced.
    private func taken(_ count: Int, _ site: LiveSite) async throws -> [RawConnection] {
        var idle: [RawConnection] = []
        try await LiveSite.eventually {
            for connection in idle { connection.look() }
            idle.removeAll { $0.isEnded }
            while idle.count < count { idle.append(try RawConnection(port: site.probe.port)) }
            guard (try? await site.probe.send("GET", "/healthz"))?.status == 503 else { return false }
            for connection in idle { connection.look() }
            return idle.allSatisfy { !$0.isEnded }
        }
        return idle
    }

    /// A machine with much else to do may take minutes for a step: nobody is cut for waiting.
    private static func patient(_ options: inout ServerStart.Options) {
        options.limits.idleSeconds = 3600
        options.limits.crowdedIdleSeconds = 3600
    }

    @Test("One address may hold only its share")
    func perAddress() async throws {
        let change: (inout ServerStart.Options) -> Void = {
            $0.limits.connectionsPerAddress = 5
            $0.limits.countLoopback = 1
            Self.patient(&$0)
        }
        try await withSite(options: change) { site in
            let idle = try await taken(5, site)
            #expect(idle.allSatisfy { !$0.isEnded })
        }
    }

    @Test("Whoever sends a head or a body too slowly is told so and cut")
    func slowWriters() async throws {
        let change: (inout ServerStart.Options) -> Void = {
            $0.limits.headSeconds = 1
            $0.limits.bodyBytesPerSecond = ServerLimits().bodyBytesPerSecond
        }
        try await withSite(options: change) { site in
            let heads = try (0..<10).map { _ in try RawConnection(port: site.probe.port) }
            let bodies = try (0..<10).map { _ in try RawConnection(port: site.probe.port) }
            for head in heads { head.send("POST /v1/register HTTP/1.1\r\nHo") }
            for body in bodies { body.send("POST /v1/register HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n") }
            let all = heads + bodies
            // A byte now and then keeps no connection.
            try await LiveSite.eventually {
                for connection in all {
                    connection.send("s")
                    connection.look()
                }
                return all.allSatisfy(\.isEnded)
            }
            for connection in all {
                #expect(connection.text.hasPrefix("HTTP/1.1 408 "), "\(connection.text)")
                #expect(try connection.errorReply().code == "timeout")
            }
            let metrics = try await site.probe.send("GET", "/metrics").text
            #expect(metrics.contains("millrace_refusals_total{reason=\"head_too_slow\"} 10"))
            #expect(metrics.contains("millrace_refusals_total{reason=\"body_too_slow\"} 10"))
        }
    }

    @Test("A connection that does nothing is closed, and sooner when three quarters are taken")
    func idle() async throws {
        let change: (inout ServerStart.Options) -> Void = {
            $0.limits.connections = 40
            $0.limits.crowdedIdleSeconds = 1
            $0.limits.idleSeconds = 3600
        }
        try await withSite(options: change) { site in
            let idle = try (0..<32).map { _ in try RawConnection(port: site.probe.port) }
            // As soon as fewer than thirty are left, nobody is in a hurry any more.
            try await LiveSite.eventually {
                for connection in idle { connection.look() }
                return idle.count { !$0.isEnded } < 30
            }
            #expect(idle.allSatisfy { $0.received.isEmpty })
        }
    }

    @Test("A reply of which nobody takes another byte is given up")
    func stalledReader() async throws {
        try await withSite(options: { $0.limits.replyStallSeconds = 1 }) { site in
            let digest = try site.blobs.put([UInt8](repeating: 7, count: 64 << 20))
            let lazy = try RawConnection(port: site.probe.port)
            lazy.send("GET /v1/blobs/\(digest.hex) HTTP/1.1\r\nHost: x\r\n\r\n")
            try await LiveSite.eventually {
                try await site.probe.send("GET", "/metrics").text
                    .contains("millrace_refusals_total{reason=\"reply_stalled\"} 1")
            }
        }
    }

    @Test("Whoever asks on and on and takes no answer is not read any more, and cut when nothing moves")
    func takesNoAnswer() async throws {
        try await withSite(options: { $0.limits.replyStallSeconds = 1 }) { site in
            let greedy = try RawConnection(port: site.probe.port)
            let request = "POST /v1/call HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
            let many = Array(String(repeating: request, count: 1000).utf8)
            var rest = many[...]
            try await LiveSite.eventually {
                for _ in 0..<100 {
                    rest = rest.dropFirst(greedy.sendSome(rest))
                    guard rest.isEmpty else { break }
                    rest = many[...]
                }
                return try await site.probe.send("GET", "/metrics").text
                    .contains("millrace_refusals_total{reason=\"reply_stalled\"} 1")
            }
        }
    }

    @Test("A server that ends waits for whoever is slow to take a reply no longer than for requests")
    func slowReaderAtTheEnd() async throws {
        let change: (inout ServerStart.Options) -> Void = {
            $0.limits.graceSeconds = 1
            $0.limits.replyStallSeconds = 3600
            // How often a connection is looked at.
            $0.limits.crowdedIdleSeconds = 1
        }
        try await withSite(options: change) { site in
            let digest = try site.blobs.put([UInt8](repeating: 7, count: 64 << 20))
            let lazy = try RawConnection(port: site.probe.port)
            lazy.send("GET /v1/blobs/\(digest.hex) HTTP/1.1\r\nHost: x\r\n\r\n")
            func open() async throws -> Double? {
                try PrometheusText(try await site.probe.send("GET", "/metrics").text).values["millrace_connections"]
            }
            try await LiveSite.eventually { try await open() == 2 }
            site.beginDraining()
            // Who asks may be cut, too: by now nobody is waited for.
            try await LiveSite.eventually { (try? await open()) == 1 }
            withExtendedLifetime(lazy) {}
        }
    }

    @Test("Among 500 idle connections and 50 slow writers an honest volunteer is served")
    func honestCall() async throws {
        OpenFileLimit.raise()
        try await withSite(options: Self.patient) { site in
            let batch = try await site.submit()
            try await site.until(batch) { $0.splitFinished }
            let idle = try (0..<500).map { _ in try RawConnection(port: site.probe.port) }
            let slow = try (0..<50).map { _ in try RawConnection(port: site.probe.port) }
            for connection in slow {
                connection.send("POST /v1/scheduler HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\nab")
            }
            let ada = try await LiveVolunteer(site, "Ada")
            let tasks = try await ada.fetch()
            #expect(!tasks.isEmpty)
            let reports = tasks.map { LiveVolunteer.success($0, Array("true".utf8)) }
            #expect(try await ada.deliver(reports).allSatisfy { $0 == .receiptAccepted })
            for connection in idle { connection.look() }
            #expect(idle.allSatisfy { !$0.isEnded }, "there is room for them")
        }
    }
}
