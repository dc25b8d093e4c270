import Domain
import Foundation
import Storage
import StorageSQLite
import Synchronization
import Testing

/// A data directory that is copied while it is written to, and made anew from the copy.
@Suite("backup and restore")
struct DataBackupTests {
    /// A server that only puts manifests: blob first, row second.
    private final class Writer {
        let directory: DataDirectory
        let store: SQLiteStore

        init(_ path: String) throws {
            directory = try DataDirectory(path: path, hash: sha256)
            store = try directory.openStore()
        }

        func add(_ number: Int) throws {
            // One in three has a file of its own.
            let bytes = [UInt8](repeating: UInt8(number % 251), count: number % 3 == 0 ? 5000 + number : 10 + number)
            let manifest = try directory.blobs.put(bytes)
            _ = try store.transaction { tx in
                try tx.insertBatch { id in
                    var batch = Samples.batch(id)
                    batch.manifest = manifest
                    return batch
                }
            }
        }
    }

    private func missing(_ tx: any StoreTransaction, _ contains: (Digest) throws -> Bool) throws -> [String] {
        try tx.batches().filter { try !contains($0.manifest) }.map { "manifest of batch \($0.id)" }
    }

    private func backup(_ folder: ScratchFolder, linking: Bool = false) -> DataBackup {
        DataBackup(data: folder.file("data"), target: folder.file("backup"), hash: sha256, isLinking: linking)
    }

    private func batches(_ path: String) throws -> Int {
        let directory = try DataDirectory(path: path, hash: sha256)
        let store = try directory.openStore(mayMake: false)
        return try store.transaction { tx in
            for batch in try tx.batches() { try directory.blobs.verify(batch.manifest) }
            return try tx.batches().count
        }
    }

    @Test("while a server writes, every backup has all blobs that its rows name", arguments: [false, true])
    func whileWriting(linking: Bool) throws {
        let folder = try ScratchFolder()
        let stop = Mutex(false)
        let written = Mutex(0)
        let ended = DispatchSemaphore(value: 0)
        let begun = DispatchSemaphore(value: 0)
        let path = folder.file("data")
        Thread.detachNewThread {
            defer { ended.signal() }
            guard let writer = try? Writer(path) else {
                begun.signal()
                return
            }
            try? writer.add(0)
            begun.signal()
            // Bounded: every restore copies all of it, on a disk that may be slow.
            while !stop.withLock({ $0 }), written.withLock({ $0 }) < 200 {
                let number = written.withLock { count -> Int in
                    count += 1
                    return count
                }
                try? writer.add(number)
                usleep(2000)
            }
        }
        begun.wait()
        var reports: [DataBackup.Report] = []
        for round in 1...3 {
            let before = written.withLock { $0 }
            reports.append(
                try backup(folder, linking: linking).run(now: Timestamp(seconds: Int64(round)), missing: missing))
            let data = folder.file("restored-\(round)")
            let restore = DataRestore(backup: folder.file("backup"), data: data, hash: sha256, isLinking: false)
            #expect(try restore.run() == Timestamp(seconds: Int64(round)))
            // What was acknowledged before the backup began is in it; the one being written may be, too.
            #expect(try batches(data) >= before)
        }
        stop.withLock { $0 = true }
        ended.wait()
        #expect(written.withLock { $0 } > 0)
        #expect(reports.allSatisfy { $0.rounds == 1 })
        #expect(reports[2].files >= reports[0].files)
        // Only what is new is brought.
        #expect(reports.map(\.filesNew).reduce(0, +) <= reports[2].files + 3)
    }

    @Test("a blob that is purged in the middle costs another round; one that is lost is named")
    func purged() throws {
        let folder = try ScratchFolder()
        let writer = try Writer(folder.file("data"))
        for number in 0..<4 { try writer.add(number) }
        var round = 0
        let report = try backup(folder).run(now: Timestamp(seconds: 1)) { tx, contains in
            round += 1
            return round == 1 ? ["as if it had been purged"] : try missing(tx, contains)
        }
        #expect(report.rounds == 2)
        let manifests = try writer.store.transaction { try $0.batches().map(\.manifest) }
        let lost = try #require(try manifests.first { try writer.directory.blobs.size(of: $0) ?? 0 >= 5000 })
        try writer.directory.blobs.remove(lost)
        // Its copy is in the backup already, which therefore is whole; a new one would not be.
        #expect(try backup(folder).run(now: Timestamp(seconds: 2), missing: missing).rounds == 1)
        let fresh = DataBackup(
            data: folder.file("data"), target: folder.file("fresh"), hash: sha256, isLinking: false)
        #expect(throws: StoreError.self) { try fresh.run(now: Timestamp(seconds: 3), missing: missing) }
        let restore = DataRestore(backup: folder.file("fresh"), data: folder.file("x"), hash: sha256, isLinking: false)
        #expect(throws: StoreError.self, "what is not whole is no backup") { try restore.run() }
    }

    @Test("archives behind a link are in the backup and in what is made of it; other links are not followed")
    func linkedArchives() throws {
        let folder = try ScratchFolder()
        try Writer(folder.file("data")).add(1)
        let files = FileManager.default
        for (name, link) in [("disk", "archive"), ("elsewhere", "log-old-1")] {
            try files.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
            try files.createSymbolicLink(
                atPath: folder.file("data/\(link)"), withDestinationPath: folder.file(name))
        }
        try Data("an archive".utf8).write(to: URL(filePath: folder.file("disk/batch-1.tar.zst")))
        #expect(refusal { try backup(folder).run(now: Timestamp(seconds: 1), missing: missing) } == "io")
        try files.removeItem(atPath: folder.file("data/log-old-1"))
        _ = try backup(folder).run(now: Timestamp(seconds: 1), missing: missing)
        let restored = folder.file("restored")
        _ = try DataRestore(backup: folder.file("backup"), data: restored, hash: sha256, isLinking: false).run()
        for path in ["backup", "restored"] {
            #expect(files.contents(atPath: folder.file("\(path)/archive/batch-1.tar.zst")) == Data("an archive".utf8))
        }
    }

    @Test("a blob that rotted is found when it is copied, and named")
    func rot() throws {
        let folder = try ScratchFolder()
        let writer = try Writer(folder.file("data"))
        try writer.add(3)
        let digest = try writer.store.transaction { try $0.batches()[0].manifest }
        let path = try #require(writer.directory.blobs.path(of: digest))
        chmod(path, 0o644)
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        bytes[7] ^= 1
        try Data(bytes).write(to: URL(filePath: path))
        let error = #expect(throws: StoreError.self) {
            try backup(folder).run(now: Timestamp(seconds: 1), missing: missing)
        }
        guard case .corrupt(let what)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(what.contains(digest.hex))
    }

    @Test("a backup that was changed, or was broken off, is refused; so is a target that is not empty")
    func refused() throws {
        let folder = try ScratchFolder()
        do {
            let writer = try Writer(folder.file("data"))
            for number in 0..<7 { try writer.add(number) }
        }
        _ = try backup(folder).run(now: Timestamp(seconds: 1), missing: missing)
        func restore(_ name: String) throws {
            _ = try DataRestore(
                backup: folder.file("backup"), data: folder.file(name), hash: sha256, isLinking: false
            ).run()
        }
        try FileManager.default.createDirectory(atPath: folder.file("full"), withIntermediateDirectories: true)
        try Data([1]).write(to: URL(filePath: folder.file("full/thing")))
        #expect(throws: StoreError.self) { try restore("full") }
        let foreign = DataBackup(data: folder.file("data"), target: folder.file("full"), hash: sha256, isLinking: false)
        #expect(throws: StoreError.self) { try foreign.run(now: Timestamp(seconds: 1), missing: missing) }
        let database = URL(filePath: folder.file("backup/millrace.sqlite"))
        let whole = try Data(contentsOf: database)
        var changed = whole
        changed[changed.count / 2] ^= 1
        try changed.write(to: database)
        #expect(throws: StoreError.self) { try restore("changed") }
        #expect(!FileManager.default.fileExists(atPath: folder.file("changed/version")))
        try whole.write(to: database)
        // As after a crash between the two renames.
        try FileManager.default.removeItem(atPath: folder.file("backup/backup"))
        #expect(throws: StoreError.self) { try restore("broken-off") }
        _ = try backup(folder).run(now: Timestamp(seconds: 2), missing: missing)
        try restore("good")
        #expect(try batches(folder.file("good")) == 7)
    }

    @Test("a directory that a restore has not finished is no data directory yet")
    func unfinishedRestore() throws {
        let folder = try ScratchFolder()
        do { try Writer(folder.file("data")).add(1) }
        _ = try backup(folder).run(now: Timestamp(seconds: 1), missing: missing)
        let restore = DataRestore(
            backup: folder.file("backup"), data: folder.file("new"), hash: sha256, isLinking: true)
        _ = try restore.run()
        // Killed before its last step.
        try FileManager.default.removeItem(atPath: folder.file("new/version"))
        #expect(throws: StoreError.self) { try DataDirectory(path: folder.file("new"), hash: sha256) }
        #expect(throws: StoreError.self) { try restore.run() }
    }
}
