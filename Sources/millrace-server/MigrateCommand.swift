import ArgumentParser
import Domain
import Glibc
import ServerCore
import Storage
import StoragePostgres
import StorageSQLite

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Moves a stopped project from one database to another.",
        discussion: """
            Every row is copied in one transaction, then both sides are read, and counts and hashes of all tables \
            compared; only then is the copy kept. The target must be empty. Killed at any moment, the target is empty \
            or complete, and the same command does the rest.

            sqlite: names a data directory. Moved to PostgreSQL, the project keeps the directory for its blobs, keys \
            and results; small blobs move with the rows. The old database stays beside as millrace.sqlite.moved.

            Example: millrace-server migrate --from sqlite:/var/lib/millrace --to postgres:"host=/run/postgresql \
            dbname=millrace"

            Exit codes: 0 moved, 64 wrong arguments, 65 the copy differs, 66 no server has run there, 73 a disk or the \
            database cannot be written, 78 a side is in use, of a newer version, or the target is not empty.
            """)

    @Option(help: "sqlite:DIRECTORY or postgres:CONNINFO (a postgres:// URI, too).")
    var from: String

    @Option(help: "The same, for the other side.")
    var to: String

    func validate() throws {
        for (side, option) in [(from, "--from"), (to, "--to")] {
            if case .postgres(let database)? = try? Side(side, option) { try DatabaseOption.check(database, option) }
        }
    }

    private enum Side {
        case directory(String)
        case postgres(String)

        init(_ text: String, _ option: String) throws {
            if text.hasPrefix("sqlite:") {
                self = .directory(String(text.dropFirst("sqlite:".count)))
            } else if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") {
                self = .postgres(text)
            } else if text.hasPrefix("postgres:") {
                self = .postgres(String(text.dropFirst("postgres:".count)))
            } else {
                throw Fault(.usage, "\(option) \(text) begins with neither sqlite: nor postgres:")
            }
        }
    }

    func run() async throws {
        try await endingInOrder {
            switch (try Side(from, "--from"), try Side(to, "--to")) {
            case (.directory(let path), .postgres(let database)): try share(path, database)
            case (.postgres(let database), .directory(let path)): try takeBack(database, path)
            default:
                throw Fault(.usage, "one side must be sqlite:DIRECTORY, the other postgres:CONNINFO")
            }
        }
    }

    private func share(_ path: String, _ database: String) throws {
        if DataDirectory.isElsewhere(path) {
            try compareWithShared(path, database)
            try DataDirectory.setElsewhere(path)
            return print("the rows of \(path) are in this database already")
        }
        try copyToShared(path, database)
        try DataDirectory.setElsewhere(path)
        print("moved; start every server with --data \(path) and --database")
    }

    /// A run that was killed may have moved everything and not said so; or it was into another database.
    private func compareWithShared(_ path: String, _ database: String) throws {
        guard let left = DataDirectory.leftBehind(path) else {
            throw Fault(
                .configuration, "the rows of \(path) were moved to PostgreSQL before",
                advice: "start servers with --database; to move on, bring them back with --to sqlite:\(path) first")
        }
        let target = try alone(database)
        let old = try SQLiteArchive(try configured { try SQLiteStore(path: left) })
        guard try TableCopy.sums(of: target, hash: BlobHash.factory) == TableCopy.sums(of: old, hash: BlobHash.factory)
        else {
            throw Fault(
                .configuration,
                "the rows of \(path) were moved to PostgreSQL before, and the database of --to does not hold what "
                    + "\(left) held then: it is another one, or servers have gone on there",
                advice: "start servers with the right --database; to move on, bring them back with --to sqlite:\(path)")
        }
    }

    private func alone(_ database: String) throws -> PostgresArchive {
        try configured { try DatabaseOption.free { try PostgresArchive(database, options: $0) } }
    }

    /// Holds the directory until nobody else can open it, and closes its databases.
    private func copyToShared(_ path: String, _ database: String) throws {
        let directory = try self.directory(path)
        let store = try DataCheck.openStore(directory)
        let target = try alone(database)
        let blobs = try directory.blobs.copySmall(to: PostgresSmallBlobs(database))
        report(try copy(try SQLiteArchive(store), to: target))
        print("\(blobs) small blobs are in the database, too")
        try directory.markElsewhere()
    }

    private func takeBack(_ database: String, _ path: String) throws {
        let directory = try self.directory(path)
        let source = try alone(database)
        let store = try configured { try directory.openStore(mayReplace: true) }
        let target = try SQLiteArchive(store)
        let blobs = try directory.blobs.copySmall(from: PostgresSmallBlobs(database))
        report(try copy(source, to: target))
        print("\(blobs) small blobs are in \(path), too")
        try directory.setHere()
        print("moved; start one server with --data \(path), without --database")
    }

    private func directory(_ path: String) throws -> DataDirectory {
        guard access(path, F_OK) == 0 else {
            throw Fault(.noInput, "there is no data directory \(path)", advice: "name it as sqlite:DIRECTORY")
        }
        return try configured { try DataDirectory(path: path, hash: BlobHash.factory, mayBeElsewhere: true) }
    }

    private func copy(_ source: any TableArchive, to target: any TableArchive) throws -> [TableSum] {
        do {
            return try TableCopy.run(from: source, to: target, hash: BlobHash.factory)
        } catch StoreError.conflict(let what) {
            throw Fault(.configuration, what, advice: "name an empty database, or one that this project was copied to")
        }
    }

    private func report(_ sums: [TableSum]) {
        for sum in sums where sum.rows > 0 { print(sum) }
        print("\(sums.reduce(0) { $0 + $1.rows }) rows, counts and hashes are equal on both sides")
    }
}
