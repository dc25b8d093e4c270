import Foundation
import PostgresServer
import TestChild
import Testing

/// Several servers on one PostgreSQL database and one data directory, and volunteers, with the real programs.
final class SharedSite {
    let folder: TemporaryFolder
    /// How to connect to the database.
    let database: String
    private(set) var servers: [Int: Running] = [:]
    private(set) var clients: [String: Running] = [:]
    private var ports: [Int: String] = [:]

    init() throws {
        folder = try TemporaryFolder()
        let server = try PostgresServer.shared()
        database = server.uri(schema: try server.makeSchema())
    }

    /// An empty one.
    func otherDatabase() throws -> String {
        let server = try PostgresServer.shared()
        return server.uri(schema: try server.makeSchema())
    }

    deinit {
        for client in clients.values { client.killNow() }
        for server in servers.values { server.killNow() }
    }

    var data: String { folder.path("server") }
    func url(_ number: Int) -> String { "http://127.0.0.1:\(ports[number] ?? "")" }

    /// Starts a server, at the second time on the port of the first.
    /// - Parameter isShared: on the database; otherwise with rows in the data directory.
    func startServer(_ number: Int, isShared: Bool = true) async throws {
        let log = folder.path("server-\(number).log")
        let before = logText("server-\(number).log").components(separatedBy: "listens on").count
        servers[number] = try Running(
            "millrace-server",
            ["run", "--data", data, "--listen", "127.0.0.1:\(ports[number] ?? "0")", "--site", "Test site"]
                + (isShared ? ["--database", database] : []),
            outputPath: log, errorPath: log)
        let ready = try await eventually(limitSeconds: 300) {
            logText("server-\(number).log").components(separatedBy: "listens on").count > before
        }
        try #require(ready, "server \(number) did not start: \(logText("server-\(number).log"))")
        let said = logText("server-\(number).log").matches(of: /listens on http:\/\/127\.0\.0\.1:(\d+)/)
        ports[number] = String(try #require(said.last).1)
    }

    func stopServers() async throws {
        for server in servers.values { #expect(await server.stop() == 0) }
    }

    /// The server whose log says that it runs the daemons, last of all.
    func leader() -> Int? {
        servers.keys.first { number in
            servers[number]?.process.isRunning == true
                && logText("server-\(number).log").components(separatedBy: "the daemons run").last?.hasPrefix(" here")
                    == true
        }
    }

    func startClient(_ name: String, at number: Int) async throws {
        let attached = try await Programs.run(
            "millrace-client", ["attach", url(number), "--name", name, "--data", folder.path(name)])
        try #require(attached.status == 0, "attach: \(attached.errors)")
        let log = folder.path("\(name).log")
        clients[name] = try Running(
            "millrace-client", ["run", "--always", "--cores", "1", "--data", folder.path(name)],
            environment: ["MILLRACE_WORKER": Programs.path("millrace-worker")], outputPath: log, errorPath: log)
    }

    /// The scientist's tool, pointed at one of the servers.
    func millrace(_ arguments: [String], at number: Int, limitSeconds: Double = 900) async throws -> Programs.Outcome {
        try await Programs.run(
            "millrace", arguments,
            environment: ["MILLRACE_SERVER": url(number), "MILLRACE_TOKEN_FILE": data + "/admin.token"],
            limitSeconds: limitSeconds)
    }

    func json(_ arguments: [String], at number: Int) async throws -> [String: Any] {
        let outcome = try await millrace(arguments + ["--json"], at: number)
        let object = try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        return try #require(object as? [String: Any], "\(arguments) printed \(outcome.output) \(outcome.errors)")
    }

    func logText(_ name: String) -> String {
        (try? String(contentsOfFile: folder.path(name), encoding: .utf8)) ?? ""
    }
}
