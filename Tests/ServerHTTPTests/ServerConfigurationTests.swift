import Domain
import Foundation
import Logging
import ServerHTTP
import Testing

/// What an operator writes, and what he hears when it is wrong.
@Suite("The server's configuration")
struct ServerConfigurationTests {
    private func read(_ text: String) throws -> ServerConfiguration {
        var settings = ServerConfiguration()
        try settings.read(text, path: "server.conf")
        return settings
    }

    @Test func everythingCanStandInTheFile() throws {
        let settings = try read(
            """
            # A comment
            data = /srv/millrace
            database = postgres://millrace@db.example.org/millrace
            blobs = s3://bucket/prefix
            s3-endpoint = https://s3.example.org
            s3-region = eu-1
            s3-credentials = /etc/millrace/s3
            s3-all = yes
            listen=[::1]:8080

              site = My = institute
            workers = 3
            web = /srv/web
            log = info,http=debug
            trust-proxy = 127.0.0.1
            trust-proxy = ::1
            limit.connections = 500
            limit.disk-reserve-percent = 0
            """)
        #expect(settings.data == "/srv/millrace" && settings.listen == "[::1]:8080" && settings.workers == 3)
        #expect(settings.database == "postgres://millrace@db.example.org/millrace")
        #expect(settings.bucket.blobs == "s3://bucket/prefix" && settings.bucket.endpoint == "https://s3.example.org")
        #expect(settings.bucket.region == "eu-1" && settings.bucket.credentials == "/etc/millrace/s3")
        #expect(settings.bucket.all)
        #expect(settings.site == "My = institute" && settings.trustedProxies == ["127.0.0.1", "::1"])
        #expect(settings.limits.connections == 500 && settings.limits.diskReservePercent == 0)
        #expect(settings.limits.writerQueue == ServerLimits().writerQueue)
    }

    @Test(arguments: [
        ("\n\nnonsense", "server.conf:3: ", "name = value"), ("colour = blue", "server.conf:1: ", "no setting colour"),
        ("site = a\nsite = b", "server.conf:2: ", "in line 1 already"),
        ("listen = here", "server.conf:1: ", "HOST:PORT"),
        ("workers = many", "server.conf:1: ", "1 to 1024"), ("log = loud", "server.conf:1: ", "loud"),
        ("log = info,wood=debug", "server.conf:1: ", "wood"), ("trust-proxy = nginx", "server.conf:1: ", "IP address"),
        ("database = millrace", "server.conf:1: ", "postgres://USER@HOST"),
        ("database = postgres://me:secret@db/x", "server.conf:1: ", "PGPASSWORD"),
        ("database = host=db password = secret", "server.conf:1: ", "PGPASSWORD"),
        ("s3-all = true", "server.conf:1: ", "yes nor no"),
        ("limit.idle-seconds = 0", "server.conf:1: ", "whole number of s from 1"),
        ("limit.speed = 9", "server.conf:1: ", "no limit speed"), ("site =", "server.conf:1: ", "no value"),
        ("limit.connections = 99999999999999999999", "server.conf:1: ", "whole number"),
    ])
    func faultsNameFileAndLine(text: String, place: String, words: String) {
        let fault = #expect(throws: Fault.self) { try read(text) }
        #expect(fault?.kind == .configuration)
        #expect(fault?.message.hasPrefix(place) == true && fault?.message.contains(words) == true, "\(fault as Any)")
    }

    @Test func aPasswordIsNotRepeated() {
        let fault = #expect(throws: Fault.self) { try read("database = postgres://me:geheim@db/x") }
        #expect(fault.map { "\($0)" }?.contains("geheim") == false)
    }

    @Test("Every flag of `run` has a name in the file")
    func flags() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources/millrace-server")
        var flags: Set<String> = []
        for name in ["RunCommand", "BlobOptions", "DatabaseOption"] {
            let text = try String(contentsOf: root.appending(path: "\(name).swift"), encoding: .utf8)
            for match in text.matches(of: /customLong\("([a-z0-9-]+)"\)/) { flags.insert(String(match.1)) }
            for match in text.matches(of: /var ([a-z]+): String\?$/.anchorsMatchLineEndings()) {
                flags.insert(String(match.1))
            }
        }
        // Aliases, the file itself, and properties whose flags have other names.
        flags.subtract(["log-level", "limit", "config", "endpoint", "region", "credentials"])
        #expect(flags.isSuperset(of: ["data", "database", "blobs", "s3-all", "trust-proxy", "web"]))
        let fault = #expect(throws: Fault.self) { try read("colour = blue") }
        let known = Set((fault?.advice ?? "").split { " ,".contains($0) }.map(String.init))
        #expect(flags.subtracting(known).isEmpty, "\(flags.subtracting(known))")
    }

    @Test func rubbishIsRefusedWhole() {
        #expect(throws: Fault.self) { try read(String(repeating: "\u{0}=\u{7}\n", count: 100)) }
        #expect(throws: Fault.self) { try read("= value") }
        #expect(throws: Never.self) { try read("") }
    }

    @Test("The table of limits in the admin's guide is that of the code")
    func documented() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let guide = try String(contentsOf: root.appending(path: "docs/admin.md"), encoding: .utf8)
        let defaults = ServerLimits()
        for entry in ServerLimits.entries {
            let row = "| `\(entry.name)` | \(defaults[entry]) | \(entry.unit) | \(entry.about) |"
            #expect(guide.contains(row), "docs/admin.md lacks the row\n\(row)")
        }
        #expect(Set(ServerLimits.entries.map(\.name)).count == ServerLimits.entries.count)
    }

    @Test func levelsOfTheLogChangeWhileItRuns() throws {
        let levels = try LogLevels("warning,http=debug")
        #expect(levels.level(of: .http) == .debug && levels.level(of: .jobs) == .warning)
        try levels.set("jobs=trace")
        #expect(levels.level(of: .http) == .info && levels.level(of: .jobs) == .trace)
        #expect(throws: Fault.self) { try levels.set("info,,") }
        #expect(levels.level(of: .jobs) == .trace, "what is wrong changes nothing")
    }
}
