import Domain
import Foundation
import Storage
import StorageSQLite
import Testing

/// A full disk: the call fails with `io`, nothing of it is left, and what was there still works.
@Suite("disk full")
struct DiskFullTests {
    /// Inserts units until the store refuses. - Returns: the refusal.
    static func fill(_ store: any Store, from start: Int64 = 0) -> (refusal: String?, next: Int64) {
        var next = start
        while next < start + 50_000 {
            let units = (next..<next + 40).map { Samples.unit(BatchID(rawValue: 1), $0) }
            if let refusal = refusal({ try store.transaction { try $0.insertWorkUnits(units) } }) {
                return (refusal, next)
            }
            next += 40
        }
        return (nil, next)
    }

    static func check(_ store: any Store, holds units: Int64) throws {
        #expect(try store.transaction { try $0.counts(of: BatchID(rawValue: 1)).total } == units)
        #expect(try store.transaction { try StoreAudit.differences($0) } == [])
    }

    @Test("a database at its size limit", arguments: [false, true])
    func pageLimit(inFile: Bool) throws {
        let folder = try ScratchFolder()
        let path = folder.file("test.sqlite")
        var options = SQLiteOptions()
        options.pageCountMax = 150
        var store: SQLiteStore? =
            inFile ? try SQLiteStore(path: path, options: options) : try SQLiteStore.inMemory(options: options)
        try store?.transaction { tx in
            try Samples.addHosts(1, tx)
            _ = try tx.insertBatch { Samples.batch($0) }
        }
        let (refused, units) = DiskFullTests.fill(try #require(store))
        #expect(refused == "io")
        #expect(units > 0)
        try DiskFullTests.check(try #require(store), holds: units)
        // What needs no new page goes on.
        for _ in 0..<20 {
            try store?.transaction { tx in
                var host = try #require(try tx.host(HostID(rawValue: 1)))
                host.sequence += 1
                try tx.updateHost(host)
            }
        }
        guard inFile else { return }
        store = nil
        let larger = try SQLiteStore(path: path)
        try DiskFullTests.check(larger, holds: units)
        #expect(try larger.transaction { try $0.host(HostID(rawValue: 1))?.sequence } == 37)
        let more = (units..<units + 200).map { Samples.unit(BatchID(rawValue: 1), $0) }
        try larger.transaction { try $0.insertWorkUnits(more) }
        try DiskFullTests.check(larger, holds: units + 200)
    }

    @Test("the whole group fails, also when a request hides the error")
    func hiddenError() throws {
        var options = SQLiteOptions()
        options.pageCountMax = 150
        let store = try SQLiteStore.inMemory(options: options)
        try store.transaction { tx in
            try Samples.addHosts(1, tx)
            _ = try tx.insertBatch { Samples.batch($0) }
        }
        let many = (Int64(0)..<5000).map { Samples.unit(BatchID(rawValue: 1), $0) }
        let answer = refusal {
            try store.transaction { tx in
                try tx.savepoint { try Samples.addHosts(1, $0) }
                #expect(refusal { try tx.savepoint { try $0.insertWorkUnits(many) } } == "io")
                #expect(refusal { try tx.hosts() } == "io", "nothing more may be believed")
                #expect(refusal { try tx.savepoint { _ in } } == "io")
            }
        }
        #expect(answer == "io")
        #expect(try store.transaction { try $0.hosts().count } == 1)
        try DiskFullTests.check(store, holds: 0)
    }

    /// In a process of its own, because the limit on the size of files is the process's.
    @Test("a database on a disk that takes no more")
    func databaseFiles() async throws {
        let folder = try ScratchFolder()
        await #expect(processExitsWith: .success) { [path = folder.file("test.sqlite") as String] in
            let store = try SQLiteStore(path: path)
            try store.transaction { tx in
                try Samples.addHosts(1, tx)
                _ = try tx.insertBatch { Samples.batch($0) }
            }
            signal(SIGXFSZ, SIG_IGN)
            var units: Int64 = 0
            // The log is what is full at first; at 5 MB it has been carried over into the database file.
            for limit in [300_000, 301_111, 5_000_000] {
                var bound = rlimit(rlim_cur: rlim_t(limit), rlim_max: rlim_t.max)
                try #require(setrlimit(__rlimit_resource_t(1), &bound) == 0)
                let (refused, next) = DiskFullTests.fill(store, from: units)
                try #require(refused == "io")
                units = next
                bound.rlim_cur = rlim_t.max
                try #require(setrlimit(__rlimit_resource_t(1), &bound) == 0)
                try #require(try store.transaction { try StoreAudit.differences($0) } == [])
                try #require(try store.transaction { try $0.counts(of: BatchID(rawValue: 1)).total } == units)
            }
            try #require(units > 2000)
            try store.transaction { try $0.insertWorkUnits([Samples.unit(BatchID(rawValue: 1), units)]) }
        }
        let store = try SQLiteStore(path: folder.file("test.sqlite"))
        #expect(try store.transaction { try StoreAudit.differences($0) } == [])
        #expect(try store.transaction { try $0.counts(of: BatchID(rawValue: 1)).total } > 2000)
    }

    @Test("blobs on a disk that takes no more")
    func blobFiles() async throws {
        let folder = try ScratchFolder()
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let blobs = try FileBlobStore(path: path, hash: sha256)
            let small = [UInt8](repeating: 1, count: 1000)
            let large = [UInt8](repeating: 2, count: 100_000)
            let upload = UploadName(task: TaskID(rawValue: 1), host: HostID(rawValue: 1))
            let other = UploadName(task: TaskID(rawValue: 2), host: HostID(rawValue: 1))
            try #require(try blobs.appendUpload(upload, offset: 0, bytes: small, limit: 1 << 20) == 1000)
            signal(SIGXFSZ, SIG_IGN)
            var bound = rlimit(rlim_cur: 50_000, rlim_max: rlim_t.max)
            try #require(setrlimit(__rlimit_resource_t(1), &bound) == 0)
            try #require(refusal { try blobs.put(large) } == "io")
            try #require(refusal { try blobs.appendUpload(upload, offset: 1000, bytes: large, limit: 1 << 20) } == "io")
            try #require(refusal { try blobs.appendUpload(other, offset: 0, bytes: large, limit: 1 << 20) } == "io")
            try #require(try FileManager.default.contentsOfDirectory(atPath: path + "/temporary").isEmpty)
            try #require(try FileManager.default.contentsOfDirectory(atPath: path + "/uploads") == [upload.text])
            try #require(try blobs.uploadOffset(upload) == 1000)
            try #require(try blobs.contains(digest(of: large, with: sha256)) == false)
            try #require(try blobs.read(blobs.put(small), limit: 1000) == small)
            bound.rlim_cur = rlim_t.max
            try #require(setrlimit(__rlimit_resource_t(1), &bound) == 0)
            try #require(try blobs.appendUpload(upload, offset: 1000, bytes: large, limit: 1 << 20) == 101_000)
            try blobs.finishUpload(upload, expecting: digest(of: small + large, with: sha256))
        }
    }

    @Test("blobs in memory over their capacity")
    func memory() throws {
        let blobs = MemoryBlobStore(hash: sha256, capacity: 1000)
        let upload = UploadName(task: TaskID(rawValue: 1), host: HostID(rawValue: 1))
        let first = try blobs.put([UInt8](repeating: 1, count: 600))
        #expect(refusal { try blobs.put([UInt8](repeating: 2, count: 401)) } == "io")
        _ = try blobs.appendUpload(upload, offset: 0, bytes: [UInt8](repeating: 3, count: 400), limit: 999)
        #expect(refusal { try blobs.appendUpload(upload, offset: 400, bytes: [1], limit: 999) } == "io")
        #expect(refusal { try blobs.finishUpload(upload, expecting: first) } == "corrupt")
        _ = try blobs.put([UInt8](repeating: 2, count: 400))
        try blobs.remove(first)
        _ = try blobs.put([UInt8](repeating: 4, count: 600))
        #expect(refusal { try blobs.put([1]) } == "io")
    }
}
