import CSQLite
import Domain
import Foundation
import PostgresServer
import Storage
import StoragePostgres
import StorageSQLite

/// A folder of one test, removed with it.
final class ScratchFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "millrace-storage-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
}

/// SplitMix64: the same numbers for the same seed, everywhere.
struct TestGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}

/// Which store a conformance test runs on.
enum StoreKind: CaseIterable, Sendable {
    case memory, sqliteInMemory, sqliteFile, postgres
}

/// A fresh store with the folder it may lie in.
struct StoreBench {
    let store: any Store
    let folder: ScratchFolder

    init(_ kind: StoreKind) throws {
        folder = try ScratchFolder()
        switch kind {
        case .memory: store = MemoryStore()
        case .sqliteInMemory: store = try SQLiteStore.inMemory()
        case .sqliteFile: store = try SQLiteStore(path: folder.file("test.sqlite"))
        case .postgres: store = try PostgresStore(PostgresServer.fresh())
        }
    }
}

extension PostgresServer {
    /// How to connect to a new, empty schema of the server that all tests share.
    static func fresh() throws -> String {
        let server = try shared()
        return server.conninfo(schema: try server.makeSchema())
    }
}

/// Which blob store a conformance test runs on.
enum BlobKind: CaseIterable, Sendable {
    case memory, files, small, shared, s3

    /// A bucket where there is a server for one; `S3Tests` says so where there is none.
    static var allCases: [BlobKind] { [.memory, .files, .small, .shared] + (S3TestServer.shared == nil ? [] : [.s3]) }
}

struct BlobBench {
    let blobs: any BlobStore
    let folder: ScratchFolder

    init(_ kind: BlobKind) throws {
        folder = try ScratchFolder()
        switch kind {
        case .memory: blobs = MemoryBlobStore(hash: sha256)
        case .files: blobs = try FileBlobStore(path: folder.file("blobs"), hash: sha256)
        case .small: blobs = try FileBlobStore(path: folder.file("blobs"), hash: sha256, smallMax: 64)
        case .shared:
            let small = PostgresSmallBlobs(try PostgresServer.fresh())
            blobs = try FileBlobStore(path: folder.file("blobs"), hash: sha256, smallMax: 64, shared: small)
        case .s3: blobs = try S3TestServer.required().store(in: folder)
        }
    }
}

/// Plain SQL on a database file, past the store: what a mistaken tool could do.
final class RawDatabase {
    private var handle: OpaquePointer?

    init(_ path: String) { sqlite3_open(path, &handle) }
    deinit { sqlite3_close(handle) }

    /// - Returns: the extended result code.
    @discardableResult
    func run(_ sql: String) -> Int32 {
        sqlite3_exec(handle, sql, nil, nil, nil)
        return sqlite3_extended_errcode(handle)
    }

    var message: String { String(cString: sqlite3_errmsg(handle)) }

    func text(_ sql: String) -> String? {
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK,
            sqlite3_step(statement) == SQLITE_ROW, let value = sqlite3_column_text(statement, 0)
        else { return nil }
        return String(cString: value)
    }
}

extension StoreError {
    /// The case without its text, which differs between stores.
    var kind: String {
        switch self {
        case .duplicate: "duplicate"
        case .conflict: "conflict"
        case .missing: "missing"
        case .newerSchema: "newerSchema"
        case .locked: "locked"
        case .io: "io"
        case .corrupt: "corrupt"
        case .uncertain: "uncertain"
        }
    }
}

/// - Returns: the kind of store error that `body` throws; nil when it throws none.
func refusal<T>(_ body: () throws -> T) -> String? {
    do {
        _ = try body()
        return nil
    } catch let error as StoreError {
        return error.kind
    } catch {
        return "\(error)"
    }
}

/// The root of the package, from the place of this file.
let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
