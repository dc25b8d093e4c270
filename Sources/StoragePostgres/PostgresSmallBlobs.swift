import Domain
import Storage
import Synchronization

/// Small blobs as rows of the database that several servers share. Safe to call from any thread.
///
/// What threads put at the same time is committed together, as `SmallBlobs` does it, and what they ask for at the same
/// time is one query; blobs never change, so what was put or read lately is kept in memory.
public final class PostgresSmallBlobs: SmallBlobStore {
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

    /// One blob that somebody waits for.
    private final class Asked: @unchecked Sendable {
        let digest: Digest
        /// Written under the reader's lock only.
        var result: Result<[UInt8]?, any Error>?

        init(_ digest: Digest) {
            self.digest = digest
        }
    }

    private static let insert = Query(
        Columns("digest:b bytes:b").insert(into: "small_blob", onConflict: "ON CONFLICT DO NOTHING").sql,
        columns: [.bytes, .bytes])
    private static let some = Query(
        """
        SELECT b.digest, b.bytes FROM unnest($1::bytea[]) AS v (digest) JOIN small_blob b ON b.digest = v.digest
        """, columns: [.bytes])
    private static let delete = Query("DELETE FROM small_blob WHERE digest = $1")
    private static let any = Query("SELECT 1::bigint FROM small_blob LIMIT 1")
    private static let page = Query("SELECT digest, bytes FROM small_blob WHERE digest > $1 ORDER BY digest LIMIT $2")

    private let waiting = Mutex<[Waiting]>([])
    private let asked = Mutex<[Asked]>([])
    private let writer: Mutex<Session>
    private let reader: Mutex<Session>
    private let known = Mutex(Recent<Digest, [UInt8]>(max: 8 << 20))

    /// - Parameter conninfo: the same as the store's. Nothing is opened yet.
    public init(_ conninfo: String, options: PostgresOptions = PostgresOptions()) {
        var options = options
        options.use = .beside
        writer = Mutex(Session(conninfo, options: options))
        reader = Mutex(Session(conninfo, options: options))
    }

    public func put(_ blobs: [(digest: Digest, bytes: [UInt8])]) throws {
        if blobs.isEmpty { return }
        let mine = blobs.map { Waiting($0.digest, $0.bytes) }
        waiting.withLock { $0 += mine }
        try writer.withLock { session in
            if mine.contains(where: { $0.result == nil }) { write(session) }
            for blob in mine { try blob.result?.get() }
        }
        known.withLock { for blob in blobs { $0.keep(blob.digest, blob.bytes, weight: blob.bytes.count + 96) } }
    }

    /// Statements outside of a transaction: each is one.
    private func write(_ session: Session) {
        let all = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        // In one order, so that processes that put the same blobs do not wait for each other in a circle.
        let ordered = all.sorted { $0.digest < $1.digest }
        let result = Result {
            for part in ordered.parts {
                try Self.asking(session) { link in
                    try link.send(Self.insert) { to in
                        for blob in part {
                            to.digest(blob.digest)
                            to.blob(blob.bytes)
                        }
                    }
                    _ = try link.exchange(keeping: 0)
                }
            }
        }
        for blob in all { blob.result = result }
    }

    public func size(of digest: Digest) throws -> Int64? { try bytes(of: digest).map { Int64($0.count) } }

    public func bytes(of digest: Digest) throws -> [UInt8]? {
        if let blob = recent(digest) { return blob }
        let mine = Asked(digest)
        asked.withLock { $0.append(mine) }
        return try reader.withLock { session in
            if mine.result == nil { read(session) }
            return try mine.result?.get() ?? nil
        }
    }

    /// Answers everybody who waits.
    private func read(_ session: Session) {
        let all = asked.withLock { asked in
            defer { asked = [] }
            return asked
        }
        for part in all.parts {
            let found = Result { try rows(Set(part.map(\.digest)), session) }
            for blob in part { blob.result = found.map { $0[blob.digest] } }
        }
    }

    private func rows(_ digests: Set<Digest>, _ session: Session) throws -> [Digest: [UInt8]] {
        let rows = try Self.asking(session) { link in
            try link.all(
                Self.some, { to in for digest in digests { to.digest(digest) } }, { (try $0.digest(), $0.blob()) })
        }
        known.withLock { for (digest, bytes) in rows { $0.keep(digest, bytes, weight: bytes.count + 96) } }
        return Dictionary(rows) { first, _ in first }
    }

    public func recent(_ digest: Digest) -> [UInt8]? { known.withLock { $0.value(digest) } }

    public func remove(_ digest: Digest) throws {
        known.withLock { $0.drop(digest) }
        try writer.withLock { session in
            try Self.asking(session) { link in
                try link.send(Self.delete) { $0.digest(digest) }
                _ = try link.exchange(keeping: 0)
            }
        }
    }

    public var isEmpty: Bool {
        get throws {
            try reader.withLock { try Self.asking($0) { try $0.first(Self.any, { _ in }, { _ in true }) == nil } }
        }
    }

    public func page(after digest: Digest?, limit: Int) throws -> [(digest: Digest, bytes: [UInt8])] {
        try reader.withLock { session in
            try Self.asking(session) { link in
                try link.all(
                    Self.page,
                    {
                        $0.blob(digest?.bytes ?? [])
                        $0.integer(limit)
                    }, { (try $0.digest(), $0.blob()) })
            }
        }
    }

    /// Once more over a new connection when the old one was lost: all of it may be repeated.
    private static func asking<T>(_ session: Session, _ body: (Connection) throws -> T) throws -> T {
        for isLast in [false, true] {
            let link = try session.connection()
            do { return try body(link) } catch {
                link.rollBack()
                if !link.isLost || isLast { throw error }
            }
        }
        throw StoreError.io("PostgreSQL: no connection")
    }
}
