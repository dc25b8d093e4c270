import Domain
import Foundation
import Storage
import StorageSQLite
import Testing

/// `small.sqlite` itself: what is placed behind, what a start finds, what version 1 has left.
@Suite("small blobs in their file")
struct SmallBlobFileTests {
    private static func name(_ bytes: [UInt8]) -> Digest { digest(of: bytes, with: sha256) }
    private static func bytes(_ number: Int) -> [UInt8] { Array("blob \(number)".utf8) }

    /// Every blob of the model and none else, however it is asked for.
    private static func compare(_ store: SmallBlobs, _ model: [Digest: [UInt8]], _ note: Comment) throws {
        for (name, bytes) in model {
            #expect(try store.bytes(of: name) == bytes, note)
            #expect(try store.size(of: name) == Int64(bytes.count), note)
        }
        #expect(try store.isEmpty == model.isEmpty, note)
        for limit in [1, 3, 1000] {
            var found: [(digest: Digest, bytes: [UInt8])] = []
            while true {
                let page = try store.page(after: found.last?.digest, limit: limit)
                #expect(page.count <= limit)
                if page.isEmpty { break }
                found += page
            }
            #expect(found.map(\.digest) == model.keys.sorted(), note)
            #expect(found.allSatisfy { model[$0.digest] == $0.bytes }, note)
        }
    }

    @Test("as a dictionary would have it, whatever is put, removed and opened again", arguments: [1, 2, 3, 4, 5, 6])
    func model(seed: UInt64) throws {
        let folder = try ScratchFolder()
        var random = TestGenerator(seed: seed)
        // Small generations: every few operations one is frozen, written in parts, and another one begins.
        let max = Int(random.next() % 90) + 1
        var store: SmallBlobs? = try SmallBlobs(file: folder.file("small.sqlite"), unplacedMax: max)
        var model: [Digest: [UInt8]] = [:]
        for turn in 0..<400 {
            switch random.next() % 16 {
            case 0:
                store = nil
                store = try SmallBlobs(file: folder.file("small.sqlite"), unplacedMax: max)
            case 1...4:
                let bytes = Self.bytes(Int(random.next() % 300))
                try store?.remove(Self.name(bytes))
                model[Self.name(bytes)] = nil
                #expect(try store?.bytes(of: Self.name(bytes)) == nil)
            default:
                let blobs = (0...random.next() % 12).map { _ in Self.bytes(Int(random.next() % 300)) }
                try store?.put(blobs.map { (Self.name($0), $0) })
                for bytes in blobs { model[Self.name(bytes)] = bytes }
            }
            if turn % 40 == 39 { try Self.compare(#require(store), model, "seed \(seed), turn \(turn)") }
        }
        store = nil
        // Nothing of it from memory.
        try Self.compare(SmallBlobs(file: folder.file("small.sqlite"), unplacedMax: max), model, "seed \(seed), end")
        let raw = RawDatabase(folder.file("small.sqlite"))
        #expect(raw.text("SELECT count(*) FROM blob") == "\(model.count)", "each once")
        #expect(raw.text("SELECT count(*) FROM place WHERE id NOT IN (SELECT id FROM blob)") == "0")
        let unplaced = "SELECT count(*) FROM blob, placed WHERE id <= through AND id NOT IN (SELECT id FROM place)"
        #expect(raw.text(unplaced) == "0")
    }

    @Test("placed in parts, so that no start has more to read than two generations")
    func generations() throws {
        let folder = try ScratchFolder()
        let path = folder.file("small.sqlite")
        do {
            let store = try SmallBlobs(file: path, unplacedMax: 100)
            for turn in 0..<50 {
                try store.put((0..<40).map { (Self.name(Self.bytes(turn * 40 + $0)), Self.bytes(turn * 40 + $0)) })
            }
        }
        let raw = RawDatabase(path)
        let above = try #require(raw.text("SELECT count(*) FROM blob, placed WHERE id > through").flatMap { Int($0) })
        #expect(above <= 280, "two generations, each with what comes while it fills")
        #expect(raw.text("SELECT count(*) FROM blob") == "2000")
    }

    @Test("a number is never given twice, also when the last blob is removed before a start")
    func numbers() throws {
        let folder = try ScratchFolder()
        let path = folder.file("small.sqlite")
        let all = (0..<20).map(Self.bytes)
        do {
            let store = try SmallBlobs(file: path, unplacedMax: 4)
            for bytes in all { try store.put([(Self.name(bytes), bytes)]) }
            // Everything is placed now.
            for turn in 0..<4 {
                let bytes = Self.bytes(100 + turn)
                try store.put([(Self.name(bytes), bytes)])
            }
            let through = RawDatabase(path).text("SELECT through FROM placed").flatMap { Int($0) } ?? 0
            #expect(through >= 20)
            for number in 0..<4 { try store.remove(Self.name(Self.bytes(100 + number))) }
            try store.remove(Self.name(all[19]))
        }
        let again = try SmallBlobs(file: path, unplacedMax: 4)
        try again.put([(Self.name([1]), [1])])
        let raw = RawDatabase(path)
        let (new, through) = (raw.text("SELECT max(id) FROM blob"), raw.text("SELECT through FROM placed"))
        #expect(try #require(new.flatMap { Int($0) }) > #require(through.flatMap { Int($0) }))
        let third = try SmallBlobs(file: path, unplacedMax: 4)
        #expect(try third.bytes(of: Self.name([1])) == [1] && third.bytes(of: Self.name(all[19])) == nil)
    }

    /// As version 1 made it.
    private static func makeOld(_ path: String, _ blobs: [[UInt8]]) {
        let raw = RawDatabase(path)
        raw.run(
            """
            PRAGMA journal_mode = WAL;
            CREATE TABLE blob (digest BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32), bytes BLOB NOT NULL)
                STRICT, WITHOUT ROWID;
            PRAGMA application_id = 0x4d696c73; PRAGMA user_version = 1;
            """)
        for bytes in blobs {
            let hex = bytes.map { String(format: "%02x", $0) }.joined()
            raw.run("INSERT INTO blob VALUES (x'\(name(bytes).hex)', x'\(hex)')")
        }
    }

    @Test("what version 1 has put is found, not put again, and its table goes with the last of it")
    func oldVersion() throws {
        let folder = try ScratchFolder()
        let path = folder.file("small.sqlite")
        let old = (0..<30).map(Self.bytes)
        Self.makeOld(path, old)
        var model = Dictionary(uniqueKeysWithValues: old.map { (Self.name($0), $0) })
        do {
            let store = try SmallBlobs(file: path, unplacedMax: 8)
            try Self.compare(store, model, "opened")
            let new = (20..<60).map(Self.bytes)
            for bytes in new { try store.put([(Self.name(bytes), bytes)]) }
            for bytes in new { model[Self.name(bytes)] = bytes }
            try Self.compare(store, model, "with new ones")
            #expect(RawDatabase(path).text("SELECT count(*) FROM blob") == "30")
            for bytes in old[..<29] { try store.remove(Self.name(bytes)) }
            for bytes in old[..<29] { model[Self.name(bytes)] = nil }
            try Self.compare(store, model, "without most of the old ones")
        }
        do {
            let store = try SmallBlobs(file: path, unplacedMax: 8)
            try Self.compare(store, model, "opened again")
            try store.remove(Self.name(old[29]))
            model[Self.name(old[29])] = nil
            try Self.compare(store, model, "without any")
        }
        try Self.compare(SmallBlobs(file: path, unplacedMax: 8), model, "at the end")
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
        #expect(RawDatabase(path).text("SELECT group_concat(name, ' ') FROM (\(tables))") == "blob place placed")
    }

    @Test("after a checkpoint the file alone is whole, and who still reads what was before is named")
    func checkpoint() throws {
        let folder = try ScratchFolder()
        let path = folder.file("small.sqlite")
        let old = (0..<30).map(Self.bytes)
        Self.makeOld(path, old)
        let store = try SmallBlobs(file: path)
        #expect(RawDatabase(path).text("PRAGMA user_version") == "2")
        try store.checkpoint()
        #expect(try Data(contentsOf: URL(filePath: path + "-wal")).isEmpty)
        try FileManager.default.copyItem(atPath: path, toPath: path + ".copy")
        let model = Dictionary(uniqueKeysWithValues: old.map { (Self.name($0), $0) })
        try Self.compare(SmallBlobs(file: path + ".copy"), model, "the copy")

        let reader = RawDatabase(path)
        reader.run("BEGIN; SELECT * FROM placed")
        try store.put([(Self.name([1]), [1])])
        #expect(throws: StoreError.self) { try store.checkpoint() }
        reader.run("COMMIT")
        try store.checkpoint()
        #expect(try store.bytes(of: Self.name([1])) == [1])
    }

    @Test("names that begin alike are told apart")
    func alike() throws {
        let folder = try ScratchFolder()
        let path = folder.file("small.sqlite")
        func name(_ start: UInt8, _ end: UInt8) throws -> Digest {
            try #require(Digest(bytes: [UInt8](repeating: start, count: 31) + [end]))
        }
        var model: [Digest: [UInt8]] = [:]
        for start: UInt8 in [0, 127, 128, 255] {
            for end: UInt8 in 0..<5 { model[try name(start, end)] = [start, end] }
        }
        for max in [1, 1000] {
            let store = try SmallBlobs(file: path + "\(max)", unplacedMax: max)
            for (name, bytes) in model { try store.put([(name, bytes)]) }
            try store.remove(try name(128, 5))
            try Self.compare(store, model, "\(max)")
            try Self.compare(SmallBlobs(file: path + "\(max)", unplacedMax: max), model, "\(max), again")
        }
    }
}
