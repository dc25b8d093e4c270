import Foundation
import TestChild
import Testing

/// A server and volunteers in a folder of their own, with the real programs.
final class Site {
    let folder: TemporaryFolder
    private(set) var server: Running?
    private(set) var clients: [String: Running] = [:]
    private var address: String?
    /// More arguments of the server, and its environment.
    var serverArguments: [String]
    var serverEnvironment: [String: String] = [:]

    init(serverArguments: [String] = []) throws {
        self.serverArguments = serverArguments
        folder = try TemporaryFolder()
    }

    deinit {
        for client in clients.values { client.killNow() }
        server?.killNow()
    }

    var url: String { address ?? "" }
    var token: String { folder.path("server/admin.token") }

    /// Starts the server, at the second time on the port of the first.
    func startServer(_ arguments: [String] = []) async throws {
        try launchServer(arguments)
        try await awaitServer()
    }

    /// Starts it, and does not wait until it answers.
    func launchServer(_ arguments: [String] = []) throws {
        let listen = address.map { String($0.dropFirst("http://".count)) } ?? "127.0.0.1:0"
        let addressPath = folder.path("server/address")
        try? FileManager.default.removeItem(atPath: addressPath)
        let log = folder.path("server.log")
        server = try Running(
            "millrace-server",
            ["run", "--data", folder.path("server"), "--listen", listen, "--site", "Test site"]
                + serverArguments + arguments,
            environment: serverEnvironment, outputPath: log, errorPath: log)
    }

    /// Waits until it has bound its address, or has ended.
    func isServing() async throws -> Bool {
        let addressPath = folder.path("server/address")
        func isBound() -> Bool {
            (try? String(contentsOfFile: addressPath, encoding: .utf8))?.hasPrefix("http") == true
        }
        _ = try await eventually { isBound() || server?.process.isRunning != true }
        return isBound()
    }

    func awaitServer() async throws {
        try #require(try await isServing(), "the server did not start: \(logText("server.log"))")
        address = try String(contentsOfFile: folder.path("server/address"), encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The folder of a client's only project, or of the first; where it will be when there is none yet.
    func projectFolder(_ name: String) -> String {
        let projects = folder.path("\(name)/projects")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: projects)) ?? []
        return projects + "/" + (names.filter { !$0.contains(".leave") }.min() ?? "")
    }

    func attach(_ name: String) async throws {
        let outcome = try await Programs.run(
            "millrace-client", ["attach", url, "--name", name, "--data", folder.path(name)])
        try #require(outcome.status == 0, "attach: \(outcome.errors)")
    }

    func startClient(
        _ name: String, worker: String = "millrace-worker", cores: Int = 1, arguments: [String] = []
    ) throws {
        let log = folder.path("\(name).log")
        clients[name] = try Running(
            "millrace-client", ["run", "--always", "--cores", "\(cores)", "--data", folder.path(name)] + arguments,
            environment: ["MILLRACE_WORKER": Programs.path(worker)], outputPath: log, errorPath: log)
    }

    /// The scientist's tool, pointed at this server.
    func millrace(_ arguments: [String], limitSeconds: Double = 900) async throws -> Programs.Outcome {
        try await Programs.run(
            "millrace", arguments, environment: ["MILLRACE_SERVER": url, "MILLRACE_TOKEN_FILE": token],
            limitSeconds: limitSeconds)
    }

    /// The JSON that a command prints.
    func json(_ arguments: [String]) async throws -> [String: Any] {
        let outcome = try await millrace(arguments + ["--json"])
        let object = try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        return try #require(
            object as? [String: Any], "\(arguments) printed \(outcome.output) \(outcome.errors)")
    }

    func logText(_ name: String) -> String {
        (try? String(contentsOfFile: folder.path(name), encoding: .utf8)) ?? ""
    }
}
