import ArgumentParser
import Domain
import ServerCore
import ServerHTTP
import Storage
import StoragePostgres
import StorageSQLite

/// Where the rows of a project are: in its data directory, or in a database that several servers share.
struct DatabaseOption: ParsableArguments {
    @Option(
        help: """
            The PostgreSQL database that holds the rows, as postgres://USER@HOST:PORT/NAME or in libpq's form \
            "host=… dbname=…"; the password comes from PGPASSWORD or ~/.pgpass. Several servers may use it together, \
            with one data directory that all of them see. Default: SQLite in the data directory.
            """)
    var database: String?

    func validate() throws {
        if let database { try Self.check(database) }
    }

    /// - Throws: when it is no PostgreSQL database, or shows its password to everybody on this machine.
    static func check(_ conninfo: String) throws {
        do { try DatabaseAddress.check(conninfo) } catch { throw ValidationError(error.message) }
    }

    /// - Throws: when it shows its password.
    static func checkSecrecy(_ conninfo: String) throws {
        do { try DatabaseAddress.checkSecrecy(conninfo) } catch { throw ValidationError(error.message) }
    }

    /// As the file and the flags together say.
    func with(_ settings: ServerConfiguration) -> DatabaseOption {
        var option = self
        option.database = settings.database
        return option
    }

    /// Opens the data directory. - Throws: `Fault` when the rows are not where the arguments say.
    func openDirectory(_ path: String) throws -> DataDirectory {
        try configured {
            if database != nil, DataDirectory.hasOwnRows(path) {
                throw Fault(
                    .configuration, "\(path) holds a project with rows of its own",
                    advice: "move it first: millrace-server migrate --from sqlite:\(path) --to postgres:CONNINFO")
            }
            return try DataDirectory(
                path: path, hash: BlobHash.factory, shared: database.map { PostgresSmallBlobs($0) })
        }
    }

    /// Opens the store, on the thread that will use it.
    /// - Parameter mayMake: false for who only looks.
    func openStore(_ directory: DataDirectory, mayMake: Bool = true) throws -> any Store {
        guard let database else { return try directory.openStore(mayMake: mayMake) }
        let store = try PostgresStore(database)
        // Nobody shall start a server on an empty database of its own beside these blobs.
        if mayMake, !DataDirectory.isElsewhere(directory.path) { try DataDirectory.setElsewhere(directory.path) }
        return store
    }

    var leadership: any Leadership {
        database.map { PostgresElection($0) } ?? SoleLeadership()
    }
}
