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
        if let database { try Self.check(database, "--database") }
    }

    /// - Throws: when it is no PostgreSQL database, or shows its password to everybody on this machine.
    static func check(_ conninfo: String, _ option: String) throws {
        let form = "postgres://USER@HOST:PORT/NAME, or \"host=… dbname=…\""
        do {
            guard try PostgresAddress.holdsPassword(conninfo) else { return }
        } catch .unreadable {
            throw ValidationError("\(option) needs \(form)")
        } catch .unknownWord(let word) {
            throw ValidationError("\(option) says \"\(word)\", which PostgreSQL does not know; it needs \(form)")
        }
        throw ValidationError(
            "a password among the arguments can be read by every user of this machine: put it into PGPASSWORD or "
                + "~/.pgpass")
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
    /// - Parameter mayMake: false for who looks, or mends, while no server runs: they have the database alone.
    func openStore(_ directory: DataDirectory, mayMake: Bool = true) throws -> any Store {
        guard let database else { return try directory.openStore(mayMake: mayMake) }
        let store = try Self.free(mayMake) { options in try PostgresStore(database, options: options) }
        // Nobody shall start a server on an empty database of its own beside these blobs.
        if mayMake, !DataDirectory.isElsewhere(directory.path) { try DataDirectory.setElsewhere(directory.path) }
        return store
    }

    /// - Parameter asServer: one of several; otherwise alone.
    static func free<T>(_ asServer: Bool = false, _ open: (PostgresOptions) throws -> T) throws -> T {
        var options = PostgresOptions()
        options.use = asServer ? .shared : .alone
        do {
            return try open(options)
        } catch let error as StoreError {
            guard case .locked = error else { throw error }
            throw Fault(
                .configuration, error.description,
                advice: asServer
                    ? "start the server again when purge, fsck, log rebuild or migrate has ended"
                    : "stop all servers on this database, on every machine, and wait for other commands")
        }
    }

    var leadership: any Leadership {
        database.map { PostgresElection($0) } ?? SoleLeadership()
    }
}
