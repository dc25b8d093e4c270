import Bytes
import CSQLite
import Domain
import Foundation
import ServerCore
import Storage
import StorageSQLite
import Testing
import Transparency
import Wire

/// Changes a database as somebody does who opens the file beside the server.
enum HandEdit {
    static func run(_ path: String, _ sql: String) throws {
        var handle: OpaquePointer?
        defer { sqlite3_close_v2(handle) }
        guard sqlite3_open(path, &handle) == SQLITE_OK, sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else {
            throw StoreError.io(String(cString: sqlite3_errmsg(handle)))
        }
    }
}

@Suite("A database edited by hand")
struct HandEditTests {
    private static let rule = AdaptiveRule(checkRate: 0.2, window: 20)

    struct Edit: Sendable, CustomTestStringConvertible {
        var sql: String
        /// Parts of one line of what fsck says.
        var words: [String]
        var testDescription: String { sql }

        init(_ sql: String, _ words: String...) {
            self.sql = sql
            self.words = words
        }
    }

    /// A batch that ended, and an adaptive one in which results stand, are final, failed and were voided.
    private func original(in folder: URL) throws -> (path: String, keys: ServerKeys) {
        let path = folder.appending(path: "original.sqlite").path()
        let key = try #require(SigningKey(rawRepresentation: [UInt8](repeating: 4, count: 32)))
        let store = try SQLiteStore(path: path)
        let site = try TestSite(store: store, units: 120, acceptance: .adaptive(Self.rule), key: key)
        let volunteers = try ["Ada", "Grace", "Mallory"].map { try TestVolunteer(site, $0) }
        var answers = 0
        volunteers[2].says = { unit in
            answers += 1
            return answers <= 40 ? "true \(unit)" : "wrong"
        }
        let first = try site.submit()
        func turn() throws {
            for volunteer in volunteers {
                try volunteer.fetch(3)
                try volunteer.deliver()
                site.wait(1)
                try site.work()
            }
        }
        try site.work()
        for _ in 0..<500 where try site.status(first).state == "running" { try turn() }
        try #require(try site.status(first).state == "finished")
        let second = try site.submit()
        try site.work()
        for _ in 0..<100 where try site.status(second).unitsProvisional < 3 { try turn() }
        try site.expectSoundStore()
        try store.checkpoint()
        return (path, site.core.keys)
    }

    private static let edits: [Edit] = [
        // Tasks.
        Edit("UPDATE task SET result = zeroblob(32) WHERE id = \(judged)", "task ", ": result is 0000", "says"),
        Edit("UPDATE task SET compared_with = NULL WHERE id = \(compared)", "compared_with is NULL", "says"),
        Edit(
            "UPDATE task SET compared_with = compared_with + 1 WHERE outcome = 2 AND compared_with IS NOT NULL",
            "compared_with is ", "says"),
        Edit("UPDATE task SET cpu_seconds = cpu_seconds + 1 WHERE id = \(judged)", "columns", "cpu_seconds", "leaf"),
        Edit("UPDATE task SET decided_ms = decided_ms + 1 WHERE id = \(judged)", "decided_ms", "leaf"),
        Edit("UPDATE task SET fingerprint = 'other' WHERE id = \(judged)", "fingerprint", "leaf"),
        Edit("UPDATE task SET reason = 'because' WHERE id = \(judged)", "reason", "says"),
        Edit("UPDATE task SET distance = 1 WHERE distance IS NOT NULL", "distance", "leaf"),
        Edit("UPDATE task SET host = host % 3 + 1 WHERE id = \(judged)", "host is ", "says"),
        Edit("DELETE FROM task WHERE id = \(judged)", "verdict on task"),
        // Units.
        Edit("UPDATE work_unit SET credit = credit + 1 WHERE id = \(unit)", ": credit is 1000001", "is over 1000000"),
        Edit("UPDATE work_unit SET credit = 7 WHERE id = \(lastUnit)", "credit", "seal"),
        Edit("UPDATE work_unit SET check_rate = 0.01 WHERE id = \(lastUnit)", "check_rate is 0.01", "says 0.2"),
        Edit("UPDATE work_unit SET check_window = 1 WHERE id = \(lastUnit)", "check_window is 1", "says 20"),
        Edit("UPDATE work_unit SET quorum = 3 WHERE id = \(lastUnit)", "quorum is 3", "says 2"),
        Edit("UPDATE work_unit SET label = 'x' WHERE id = \(unit)", "label", "leaf"),
        Edit("UPDATE work_unit SET flops = flops * 2 WHERE id = \(lastUnit)", "flops", "leaf"),
        Edit("UPDATE work_unit SET container = zeroblob(32) WHERE id = \(unit)", "container", "leaf"),
        Edit("UPDATE work_unit SET state = 3 WHERE state = 4", "batch 1: state is finished", "0 of its 120"),
        // Batches.
        Edit("UPDATE batch SET state = 0, finished_ms = NULL WHERE id = 1", "batch 1: state is running", "says finish"),
        Edit("UPDATE batch SET state = 4 WHERE id = 1", "batch 1: state is cancelled", "says finish"),
        Edit("UPDATE batch SET state = 2 WHERE id = 2", "batch 2: state is finished", "tells of no end"),
        Edit("UPDATE batch SET finished_ms = 5 WHERE id = 1", "batch 1: finished_ms is 5", "says"),
        Edit("UPDATE batch SET work_unit_count = 119 WHERE id = 1", "work_unit_count is 119", "120 units"),
        Edit("UPDATE batch SET manifest = zeroblob(32) WHERE id = 2", "batch 2", "manifest", "leaf"),
        Edit("UPDATE batch SET title = 'x' WHERE id = 1", "batch 1", "title", "leaf"),
        Edit("UPDATE batch_input SET size = size + 1 WHERE batch = 1 AND position = 0", "batch_input", "leaf"),
        Edit(
            "UPDATE batch SET check_rate = 0.01 WHERE id = 2; UPDATE work_unit SET check_rate = 0.01 WHERE batch = 2",
            "batch 2", "check_rate", "leaf"),
        // Trust and series.
        Edit("UPDATE trust SET streak = streak + 1", "trust of host 1", "streak is ", "its verdicts give"),
        Edit("UPDATE trust SET evidence = evidence + 1", "evidence is ", "its verdicts give"),
        Edit("UPDATE trust SET evidence_ms = evidence_ms + 1", "evidence_ms is ", "its verdicts give"),
        Edit("UPDATE trust SET passed = passed - 1", "passed is ", "its verdicts give"),
        Edit("UPDATE trust SET failed = failed + 1", "failed is ", "its verdicts give"),
        Edit("UPDATE trust SET last_failed_ms = 5 WHERE host = 3", "last_failed_ms is 5", "its verdicts give"),
        Edit("UPDATE trust SET last_sequence = last_sequence + 1", "last_sequence is ", "ends with"),
        Edit("DELETE FROM trust WHERE host = 1", "trust of host 1", "streak is 0"),
        Edit("UPDATE series SET state = 4 WHERE state = 1", "series entry", "state is confirmed", "provisional"),
        Edit("UPDATE series SET state = 3 WHERE state = 5", "state is passed", "the task says failed"),
        Edit("UPDATE series SET state = 1 WHERE state = 3", "state is provisional", "the task says passed"),
        Edit("UPDATE series SET sequence = sequence + 1000 WHERE sequence = 3", "numbered up to 1003"),
        Edit("UPDATE series SET app = 'other' WHERE sequence = 3", "series entry", "app is other"),
        Edit("DELETE FROM series WHERE state = 3 AND sequence = 3", "series entry of task", "is missing"),
        // Hosts.
        Edit("UPDATE host SET valid_count = valid_count + 1 WHERE id = 1", "host 1: valid_count", "its tasks say"),
        Edit("UPDATE host SET invalid_count = 0 WHERE id = 3", "host 3: invalid_count is 0", "its tasks say"),
        // The log.
        Edit("INSERT INTO log_edge (id, edge) VALUES (1, x'0102')", "log_edge", "cannot be read"),
        Edit("INSERT INTO log_edge (id, edge) VALUES (1, x'0100000000000000\(zeroes)')", "log_edge", "root"),
        Edit(
            "INSERT INTO log_edge (id, edge) VALUES (1, x'0000010000000000\(zeroes)')",
            "log_edge", "65536 leaves are published", "there are"),
    ]

    private static let zeroes = String(repeating: "00", count: 32)
    private static let judged = "(SELECT min(id) FROM task WHERE outcome = 1)"
    private static let compared = "(SELECT min(id) FROM task WHERE outcome = 1 AND compared_with IS NOT NULL)"
    private static let unit = "(SELECT min(id) FROM work_unit)"
    private static let lastUnit = "(SELECT max(id) FROM work_unit)"

    @Test("Each column that the log or other rows tell of is found, with its row, its column and what is right")
    func found() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "millrace-edit-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (original, keys) = try original(in: folder)
        let sound = try SQLiteStore(path: original)
        #expect(try sound.transaction { try LogAudit.differences(in: $0, seal: keys.rows, window: 7) } == [])
        for (number, edit) in Self.edits.enumerated() {
            let path = folder.appending(path: "\(number).sqlite").path()
            try FileManager.default.copyItem(atPath: original, toPath: path)
            try HandEdit.run(path, edit.sql)
            let store = try SQLiteStore(path: path)
            let found = try store.transaction { try LogAudit.differences(in: $0, seal: keys.rows, window: 50) }
            #expect(
                found.contains { line in edit.words.allSatisfy { line.contains($0) } },
                "\(edit.sql): \(found.prefix(5))")
        }
    }
}
