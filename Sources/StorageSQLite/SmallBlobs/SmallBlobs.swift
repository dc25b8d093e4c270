import Domain
import Glibc
import Storage
import Synchronization

/// Blobs that are not worth a file each: containers of small units, small results. One SQLite file, `small.sqlite`.
///
/// A file costs an inode, two syncs and a rename, some hundred microseconds of a disk; a row costs a hundredth of that
/// where many are put at the same time, for all that wait are committed together. `SmallBlobFile` has the tables. Safe
/// to call from any thread.
package final class SmallBlobs: SmallBlobStore {
    /// One blob that waits to be durable.
    private final class Waiting: @unchecked Sendable {
        let digest: Digest
        let bytes: [UInt8]
        /// Written under the writer's lock only.
        var result: Result<Void, any Error>?

        init(_ digest: Digest, _ bytes: [UInt8]) {
            self.digest = digest
            self.bytes = bytes
        }
    }

    private let waiting = Mutex<[Waiting]>([])
    private let known = Mutex(Recent<Digest, [UInt8]>(max: 8 << 20))
    /// Changed under the writer's lock, read under its own.
    private let unplaced: Mutex<UnplacedBlobs>
    private let writer: Mutex<Writer>
    private let reader: Mutex<Connection>
    /// Whether there are blobs of version 1 of the file.
    private let hasOld: Bool

    private struct Writer {
        let connection: Connection
        /// Above every number that was ever given: a number that comes again could be taken for one that is placed.
        var nextID: Int64
    }

    /// - Parameter unplacedMax: so many blobs of a generation are known by name in memory only.
    /// - Throws: `StoreError.corrupt` for another program's file, `.newerSchema`, `.io`.
    package init(file: String, unplacedMax: Int = 16_384) throws {
        let connection = try SmallBlobFile.open(file)
        hasOld = try SmallBlobFile.hasOld(connection)
        let through = try connection.first(SmallBlobSQL.through) { $0.integer() } ?? 0
        var unplaced = UnplacedBlobs(youngerMax: unplacedMax)
        unplaced.add(
            try connection.all(SmallBlobSQL.above, { $0.integer(through) }) { .init(try $0.digest(), $0.integer()) })
        let last = try connection.first(SmallBlobSQL.last) { $0.integer() } ?? 0
        let second = try Connection(file: file)
        try second.script("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON")
        self.unplaced = Mutex(unplaced)
        writer = Mutex(Writer(connection: connection, nextID: max(last, through) + 1))
        reader = Mutex(second)
    }

    /// Durable on return. Whoever gets the writer's lock writes what all others wait for as well.
    package func put(_ blobs: [(digest: Digest, bytes: [UInt8])]) throws {
        let mine = blobs.map { Waiting($0.digest, $0.bytes) }
        waiting.withLock { $0 += mine }
        try writer.withLock { writer in
            if mine.contains(where: { $0.result == nil }) { write(&writer) }
            for blob in mine { try blob.result?.get() }
        }
    }

    private func write(_ writer: inout Writer) {
        let all = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        let limit = max(64, 2 * all.count)
        let result = Result {
            do {
                try writer.connection.run(SmallBlobSQL.begin)
                let added = try insert(all, &writer)
                try place(limit, writer.connection)
                try writer.connection.run(SmallBlobSQL.commit)
                return added
            } catch {
                writer.connection.rollBack()
                throw error
            }
        }
        if case .success(let added) = result {
            unplaced.withLock { unplaced in
                unplaced.placed(limit)
                unplaced.add(added)
            }
            known.withLock { known in
                for blob in all { known.keep(blob.digest, blob.bytes, weight: blob.bytes.count + 96) }
            }
        }
        for blob in all { blob.result = result.map { _ in } }
    }

    /// - Returns: those that were not there before.
    private func insert(_ all: [Waiting], _ writer: inout Writer) throws -> [UnplacedBlobs.Entry] {
        var added: [UnplacedBlobs.Entry] = []
        var names: Set<Digest> = []
        for blob in all where names.insert(blob.digest).inserted {
            if try look(blob.digest, .size, writer.connection, { $0.integer() }) != nil { continue }
            let entry = UnplacedBlobs.Entry(blob.digest, writer.nextID)
            writer.nextID += 1
            try writer.connection.run(SmallBlobSQL.insert) {
                $0.integer(entry.id)
                $0.digest(blob.digest)
                $0.blob(blob.bytes)
            }
            added.append(entry)
        }
        return added
    }

    /// With every commit a part of what came before: nobody waits for much of it at once.
    private func place(_ limit: Int, _ connection: Connection) throws {
        let (entries, through) = unplaced.withLock { $0.next(limit) }
        for entry in entries {
            try connection.run(SmallBlobSQL.place) {
                $0.integer(entry.start)
                $0.integer(entry.id)
            }
        }
        if let through { try connection.run(SmallBlobSQL.placedThrough) { $0.integer(through) } }
    }

    /// Without looking at the file.
    package func recent(_ digest: Digest) -> [UInt8]? { known.withLock { $0.value(digest) } }

    package func size(of digest: Digest) throws -> Int64? {
        if let blob = recent(digest) { return Int64(blob.count) }
        return try reader.withLock { connection in
            try Self.mending(connection) { try look(digest, .size, $0) { $0.integer() } }
        }
    }

    package func bytes(of digest: Digest) throws -> [UInt8]? {
        if let blob = recent(digest) { return blob }
        return try reader.withLock { connection in
            let found = try Self.mending(connection) { try look(digest, .bytes, $0) { $0.blob() } }
            // Still inside of the lock: a blob that is removed is dropped behind it.
            if let found { known.withLock { $0.keep(digest, found, weight: found.count + 96) } }
            return found
        }
    }

    /// Where it is not placed yet first: when it is placed meanwhile, it is found there.
    private func look<T>(
        _ digest: Digest, _ column: SmallBlobSQL.Column, _ connection: Connection, _ value: (inout Row) throws -> T
    ) throws -> T? {
        if let id = unplaced.withLock({ $0.id(of: digest) }) {
            let bind = { (binder: inout Binder) in
                binder.integer(id)
                binder.digest(digest)
            }
            if let found = try connection.first(column.byNumber, bind, value) { return found }
        }
        let bind = { (binder: inout Binder) in
            binder.integer(UnplacedBlobs.Entry.start(of: digest))
            binder.digest(digest)
        }
        if let found = try connection.first(column.placed, bind, value) { return found }
        return hasOld ? try connection.first(column.old, { $0.digest(digest) }, value) : nil
    }

    package func page(after digest: Digest?, limit: Int) throws -> [(digest: Digest, bytes: [UInt8])] {
        try reader.withLock { connection in
            try Self.mending(connection) { connection in
                var found: [Digest: [UInt8]] = [:]
                let unplaced = unplaced.withLock { $0.after(digest, limit: limit) }
                for entry in unplaced {
                    let bind = { (binder: inout Binder) in
                        binder.integer(entry.id)
                        binder.digest(entry.digest)
                    }
                    found[entry.digest] = try connection.first(SmallBlobSQL.Column.bytes.byNumber, bind) { $0.blob() }
                }
                let start = digest.map { UnplacedBlobs.Entry.start(of: $0) } ?? .min
                let bind = { (binder: inout Binder) in
                    binder.integer(start)
                    binder.blob(digest?.bytes ?? [])
                    binder.integer(limit)
                }
                for (digest, bytes) in try connection.all(SmallBlobSQL.page, bind, { (try $0.digest(), $0.blob()) }) {
                    found[digest] = bytes
                }
                let old = { (binder: inout Binder) in
                    binder.blob(digest?.bytes ?? [])
                    binder.integer(limit)
                }
                for (digest, bytes) in hasOld
                    ? try connection.all(SmallBlobSQL.oldPage, old, { (try $0.digest(), $0.blob()) }) : []
                { found[digest] = bytes }
                return found.sorted { $0.key < $1.key }.prefix(limit).map { (digest: $0.key, bytes: $0.value) }
            }
        }
    }

    package func remove(_ digest: Digest) throws {
        try writer.withLock { writer in
            do {
                let connection = writer.connection
                try connection.run(SmallBlobSQL.begin)
                var ids = try connection.all(
                    SmallBlobSQL.ids,
                    {
                        $0.integer(UnplacedBlobs.Entry.start(of: digest))
                        $0.digest(digest)
                    }, { $0.integer() })
                if let id = unplaced.withLock({ $0.id(of: digest) }) { ids.append(id) }
                for id in ids {
                    try connection.run(SmallBlobSQL.unplace) {
                        $0.integer(UnplacedBlobs.Entry.start(of: digest))
                        $0.integer(id)
                    }
                    try connection.run(SmallBlobSQL.delete) { $0.integer(id) }
                }
                if hasOld { try connection.run(SmallBlobSQL.deleteOld) { $0.digest(digest) } }
                try connection.run(SmallBlobSQL.commit)
            } catch {
                writer.connection.rollBack()
                throw error
            }
            unplaced.withLock { $0.drop(digest) }
        }
        // Behind every reader who has still found it.
        reader.withLock { _ in known.withLock { $0.drop(digest) } }
    }

    package var isEmpty: Bool {
        get throws {
            try reader.withLock { connection in
                try Self.mending(connection) {
                    let isEmpty = try SmallBlobFile.isEmpty("blob", $0)
                    return try isEmpty && (!hasOld || SmallBlobFile.isEmpty("blob_by_name", $0))
                }
            }
        }
    }

    /// Moves what the log holds into the file, for who goes on with the file alone: closing it would do that, too, and
    /// tell nobody when it fails in the middle.
    ///
    /// - Throws: `StoreError.io`; `.locked` when somebody still reads what was there before.
    package func checkpoint() throws {
        try writer.withLock { writer in
            try Self.mending(writer.connection) { connection in
                guard try connection.text("PRAGMA wal_checkpoint(TRUNCATE)") == "0" else {
                    throw StoreError.locked("\(connection.file): somebody reads it")
                }
            }
        }
    }

    /// A statement of its own: when it fails, the next one begins afresh.
    private static func mending<T>(_ connection: Connection, _ body: (Connection) throws -> T) throws -> T {
        do { return try body(connection) } catch {
            connection.rollBack()
            throw error
        }
    }
}
