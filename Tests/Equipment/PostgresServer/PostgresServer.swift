import Foundation
import Synchronization
import TestChild

/// A PostgreSQL server of the tests: started when the first test needs it, shared by all, and ended with the process of
/// the tests, however that ends (`postgres.sh`).
public final class PostgresServer: Sendable {
    /// Why there is none.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// Where its socket is.
    public let directory: String
    private let process = TestChild()
    private let schemas = Mutex(0)

    private static let first = Mutex<Result<PostgresServer, any Error>?>(nil)

    /// The server that all tests share. - Throws: `Failure` when it cannot be started.
    public static func shared() throws -> PostgresServer {
        try first.withLock { known in
            let result = known ?? Result { try PostgresServer() }
            known = result
            return try result.get()
        }
    }

    /// A server for one test.
    /// - Parameters:
    ///   - settings: `name=value`.
    ///   - getsUp: it is started again whenever it was killed.
    public init(settings: [String] = [], getsUp: Bool = false) throws {
        // The path of a socket has at most 107 bytes.
        directory = "/tmp/millrace-pg-\(UUID().uuidString.prefix(13))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "postgres.sh")
        let said = try process.serve(
            "/bin/sh", [script.path] + (getsUp ? ["--again"] : []) + [directory] + settings)
        guard said == "ready" else {
            let reason = said + "\n" + process.restOfOutput()
            throw Failure(
                description: "PostgreSQL cannot be started for the tests; scripts/setup.sh installs it. \(reason)")
        }
    }

    deinit { stop() }

    /// Ends the server as a power cut would.
    public func stop() { process.endInput() }

    /// How to connect to a database of the server, as one who may do everything.
    /// - Parameter schema: the schema that is looked at; it need not exist.
    public func conninfo(schema: String = "public") -> String {
        "host=\(directory) user=millrace dbname=postgres options='-c search_path=\(schema)'"
    }

    /// The same as a URI.
    public func uri(schema: String) -> String {
        let host = directory.replacingOccurrences(of: "/", with: "%2F")
        return "postgres://millrace@\(host)/postgres?options=-c%20search_path%3D\(schema)"
    }

    /// A new, empty schema. - Returns: its name.
    public func makeSchema() throws -> String {
        let number = schemas.withLock { count in
            count += 1
            return count
        }
        let name = "t\(number)"
        try RawPostgres(conninfo()).run("CREATE SCHEMA \(name)")
        return name
    }
}
