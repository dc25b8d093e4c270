import Bytes
import Domain
import ServerCore
import Storage
import Testing
import Transparency

@Suite("Rebuilding the public log")
struct LogRebuildTests {
    /// The folders of a data directory. Every change is a step, and the machine may die before any.
    final class Disk: LogDisk {
        struct NoPower: Error {}

        private(set) var folder: [String: [UInt8]]?
        private(set) var old: [Int: [String: [UInt8]]] = [:]
        let power: Power

        init(_ files: [String: [UInt8]]?, power: Power = Power()) {
            folder = files
            self.power = power
        }

        init(_ other: Disk, power: Power) {
            folder = other.folder
            old = other.old
            self.power = power
        }

        var isThere: Bool { folder != nil }
        func paths() throws(Fault) -> [String] { (folder ?? [:]).keys.sorted() }
        func read(_ path: String) throws(Fault) -> [UInt8]? { folder?[path] }
        func oldNumbers() throws(Fault) -> [Int] { old.keys.sorted() }
        func readOld(_ number: Int, _ path: String) throws(Fault) -> [UInt8]? { old[number]?[path] }

        func write(_ path: String, _ bytes: [UInt8]) throws(Fault) {
            try power.step()
            folder = (folder ?? [:]).merging([path: bytes]) { _, new in new }
        }

        func remove(_ path: String) throws(Fault) {
            try power.step()
            folder?[path] = nil
        }

        func setAside(as number: Int) throws(Fault) {
            try power.step()
            old[number] = folder
            folder = nil
        }
    }

    /// How many steps the machine has left.
    final class Power {
        var left: Int
        private(set) var used = 0

        init(_ left: Int = .max) { self.left = left }

        func step() throws(Fault) {
            guard left > used else { throw Fault(.cannotWrite, "no power") }
            used += 1
        }

        /// Of a store whose every second dying commit is there all the same.
        func fate(_ call: Int) -> CallFate {
            guard left <= used else {
                used += 1
                return .good
            }
            return CallFate(applied: call.isMultiple(of: 2), reported: true)
        }
    }

    private static let keys = ServerKeys(project: SigningKey(rawRepresentation: [UInt8](repeating: 3, count: 32))!)
    private static let now = Timestamp(seconds: 2_000_000)

    private static func leaf(_ number: Int, _ word: String = "act") throws -> [UInt8] {
        let act = LoggedAdminAct(actor: "admin", act: word, object: "batch \(number)")
        return try LedgerLeaf(at: Timestamp(seconds: Int64(number)), event: .adminAct(act)).encoded()
    }

    /// A database with so many leaves, of which the first were published.
    private func site(_ count: Int, published: Int? = nil) throws -> (store: MemoryStore, disk: Disk) {
        let store = MemoryStore()
        let files = MemoryTileStore()
        let leaves = try (0..<count).map { try Self.leaf($0) }
        let edge = try TileWriter(signer: Self.keys.log).publish(
            Array(leaves[..<(published ?? count)]), from: LogEdge(), to: files)
        try store.transaction { tx in
            for leaf in leaves { _ = try tx.appendLogLeaf(leaf) }
            try tx.saveLogEdge(edge.bytes)
        }
        try files.write("key", Array((Self.keys.log.key.text + "\n").utf8))
        return (store, Disk(files.files))
    }

    private func rebuild(
        _ disk: Disk, _ store: any Store, accepting reason: String? = nil, elsewhere: [UInt8]? = nil
    ) throws -> LogRebuild<Disk>.Report {
        try LogRebuild(disk: disk, store: store, keys: Self.keys, elsewhere: elsewhere).run(
            acceptingRollback: reason, now: Self.now)
    }

    private func refusal(_ disk: Disk, _ store: any Store, elsewhere: [UInt8]? = nil) -> Fault? {
        let before = disk.folder
        defer { #expect(disk.folder == before && disk.old.isEmpty, "a refusal changes nothing") }
        do {
            _ = try rebuild(disk, store, elsewhere: elsewhere)
            return nil
        } catch { return error as? Fault }
    }

    private func expectSound(
        _ disk: Disk, _ store: any Store, epoch: Int64 = 1, _ at: SourceLocation = #_sourceLocation
    ) throws {
        let key = Self.keys.log(epoch: epoch).key
        let files = MemoryTileStore(disk.folder ?? [:])
        var verifier = LogVerifier(files, key: key)
        let report = try verifier.run()
        let count = try store.transaction { try $0.logLeafCount() }
        #expect(report.isClean && report.leavesConfirmed == count, "\(report.findings)", sourceLocation: at)
        #expect(try files.read("key") == Array((key.text + "\n").utf8), sourceLocation: at)
        let stored = try #require(try store.transaction { try $0.logEdge() }, sourceLocation: at)
        let edge = try StoredEdge(stored)
        #expect(edge.epoch == epoch && edge.edge.size == count, sourceLocation: at)
        #expect(try store.transaction { try LogAudit.differences(in: $0) } == [], sourceLocation: at)
        for path in files.files.keys {
            #expect(path == "key" || path == "checkpoint" || TilePath(path) != nil, sourceLocation: at)
        }
    }

    @Test("A lost folder comes back byte by byte, and a sound one is left alone", arguments: [1, 255, 256, 700, 9000])
    func lostFolder(count: Int) throws {
        let (store, disk) = try site(count)
        let sound = try rebuild(disk, store)
        #expect(sound.filesWritten == 0 && sound.filesRemoved == 0 && sound.setAside == nil && !sound.isNewLog)
        let empty = Disk(nil)
        let report = try rebuild(empty, store)
        #expect(empty.folder == disk.folder)
        #expect(report.filesWritten == disk.folder?.count)
        try expectSound(empty, store)
    }

    @Test("Leaves that were not published yet are published")
    func behind() throws {
        let (store, disk) = try site(700, published: 300)
        let old = try #require(disk.folder?["checkpoint"].flatMap { try? SignedCheckpoint($0, key: Self.keys.log.key) })
        let report = try rebuild(disk, store)
        #expect(report.checkpoint.size == 700)
        var verifier = LogVerifier(MemoryTileStore(disk.folder ?? [:]), key: Self.keys.log.key, kept: old)
        #expect(try verifier.run().isClean)
        try expectSound(disk, store)
    }

    @Test("Every file that is damaged or missing is mended, and the lines of witnesses stay")
    func damaged() throws {
        let (store, whole) = try site(700)
        let witness = try #require(NoteSigner(name: "witness", kind: .cosignature, secret: SigningKey()))
        let plain = try SignedCheckpoint(try #require(whole.folder?["checkpoint"]), key: Self.keys.log.key)
        let cosigned = plain.adding(try SignedNote(text: plain.note.text, signers: [witness], time: 5).signatures)
        try whole.write("checkpoint", cosigned.note.bytes)
        for path in try whole.paths() where path != "checkpoint" {
            for damage in [nil, [UInt8](), [7, 7]] as [[UInt8]?] {
                let disk = Disk(whole, power: Power())
                if let damage { try disk.write(path, damage) } else { try disk.remove(path) }
                let report = try rebuild(disk, store)
                #expect(report.filesWritten == 1, "\(path)")
                #expect(disk.folder == whole.folder, "\(path)")
            }
        }
        // A checkpoint that nobody can read is signed again; its witnesses must sign again as well.
        let disk = Disk(whole, power: Power())
        try disk.write("checkpoint", [1, 2, 3])
        _ = try rebuild(disk, store)
        #expect(disk.folder?["checkpoint"] == plain.note.bytes)
    }

    @Test("Partial tiles of earlier sizes are mended, what belongs to no size goes, and foreign files stay")
    func leftovers() throws {
        let (store, disk) = try site(300)
        let earlier = try site(270).disk.folder ?? [:]
        for (path, bytes) in earlier where path != "checkpoint" { try disk.write(path, bytes) }
        let whole = disk.folder
        try disk.write("tile/0/001.p/14", [0])
        try disk.write("tile/entries/001.p/14", [0])
        try disk.write("tile/0/001.p/200", [0])
        try disk.write("tile/0/007", [0])
        try disk.write("index.html", [1])
        let report = try rebuild(disk, store)
        #expect(report.filesWritten == 2 && report.filesRemoved == 2)
        var files = disk.folder
        #expect(files?.removeValue(forKey: "index.html") == [1])
        #expect(files == whole)
    }

    @Test("An edge that is lost or broken is made again, also of a long log", arguments: [[UInt8](), [1, 2, 3]])
    func brokenEdge(bytes: [UInt8]) throws {
        let (store, disk) = try site(9000)
        try store.transaction { try $0.saveLogEdge(bytes) }
        _ = try rebuild(disk, store)
        try expectSound(disk, store)
        // Without the folder nothing says what was published: then somebody else must.
        let checkpoint = try #require(disk.folder?["checkpoint"])
        try store.transaction { try $0.saveLogEdge(bytes) }
        let empty = Disk(nil)
        let fault = try #require(refusal(empty, store))
        #expect(fault.kind == .negative && fault.message.contains("--published"))
        _ = try rebuild(empty, store, elsewhere: checkpoint)
        #expect(empty.folder == disk.folder)
        #expect(refusal(empty, store, elsewhere: [1])?.kind == .badData)
    }

    @Test("A database that is behind what was published, or another one, is refused, and says why")
    func contradictions() throws {
        let (_, disk) = try site(700)
        let (older, _) = try site(600)
        let fault = try #require(refusal(disk, older))
        #expect(fault.kind == .negative && fault.message.contains("restored from an older copy"))
        #expect(fault.advice?.contains("--accept-rollback") == true)
        let other = MemoryStore()
        try other.transaction { tx in
            for number in 0..<700 { _ = try tx.appendLogLeaf(try Self.leaf(number, number == 5 ? "other" : "act")) }
        }
        #expect(refusal(disk, other)?.message.contains("have the root") == true)
        // The folder is lost, and the database's own note of it does not fit its leaves.
        try other.transaction { try $0.saveLogEdge(try site(700).store.transaction { try $0.logEdge() } ?? []) }
        #expect(refusal(Disk(nil), other)?.message.contains("have the root") == true)
        #expect(refusal(Disk(nil), MemoryStore())?.kind == .noInput)
    }

    private func expectNewLog(_ disk: Disk, _ store: any Store, old: [String: [UInt8]]?) throws {
        try expectSound(disk, store, epoch: 2)
        #expect(disk.old == [1: old ?? [:]])
        let leaves = try store.transaction { try $0.logLeaves(from: 0, limit: 1000) }
        let acts = leaves.compactMap { bytes -> String? in
            guard case .adminAct(let act)? = (try? LedgerLeaf(bytes))?.event, act.act == "new-log" else { return nil }
            return act.object
        }
        let last = try SignedCheckpoint(try #require(old?["checkpoint"]), key: Self.keys.log.key).checkpoint
        #expect(acts == ["after \(last.origin) 700 \(Base64.encode(last.root.bytes)): the disk died"])
        var verifier = LogVerifier(MemoryTileStore(disk.old[1] ?? [:]), key: Self.keys.log.key)
        #expect(try verifier.run().leavesConfirmed == 700)
        #expect(Self.keys.log(epoch: 2).key.name == Self.keys.log.key.name + "-2")
        #expect(Self.keys.log(epoch: 2).key.id != Self.keys.log.key.id)
    }

    @Test("A rollback that is accepted begins a new log, and keeps the old one")
    func acceptedRollback() throws {
        let (_, disk) = try site(700)
        let (store, _) = try site(600)
        let old = disk.folder
        let report = try rebuild(disk, store, accepting: "the disk died")
        #expect(report.isNewLog && report.setAside == 1 && report.checkpoint.size == 601)
        try expectNewLog(disk, store, old: old)
        // Once more changes nothing, with the flag or without.
        #expect(try rebuild(disk, store, accepting: "again").filesWritten == 0)
        #expect(try rebuild(disk, store).filesWritten == 0)
        try expectNewLog(disk, store, old: old)
        // The copy of the database is put back: the new log is ahead of it now.
        let (again, _) = try site(600)
        #expect(throws: Fault.self) { try rebuild(disk, again) }
        _ = try rebuild(disk, again, accepting: "the disk died again")
        try expectSound(disk, again, epoch: 3)
        #expect(disk.old.keys.sorted() == [1, 2])
        let long = String(repeating: "x", count: 300)
        let (third, _) = try site(600)
        #expect(throws: Fault.self) { try rebuild(disk, third, accepting: long) }
    }

    @Test("Killed at any step, the same command does the rest")
    func everyCrash() throws {
        for isRollback in [false, true] {
            let (_, whole) = try site(700)
            let start = isRollback ? whole : Disk(nil)
            let reason = isRollback ? "the disk died" : nil
            var isComplete = false
            var steps = 0
            while !isComplete {
                let (store, _) = try site(isRollback ? 600 : 700)
                let power = Power(steps)
                let disk = Disk(start, power: power)
                do {
                    let dying = FaultyStore(store) { power.fate($0) }
                    _ = try rebuild(disk, dying, accepting: reason)
                    isComplete = true
                } catch { #expect(error is Fault || error is StoreError) }
                let survived = Disk(disk, power: Power())
                // Once the new log is begun, the admin need not ask for it again.
                let isBegun = try store.transaction { try $0.logLeafCount() } == 601
                _ = try rebuild(survived, store, accepting: isBegun ? nil : reason)
                if isRollback {
                    try expectNewLog(survived, store, old: whole.folder)
                } else {
                    #expect(survived.folder == whole.folder)
                    try expectSound(survived, store)
                }
                steps += 1
                try #require(steps < 200)
            }
            #expect(steps > 10)
        }
    }
}
