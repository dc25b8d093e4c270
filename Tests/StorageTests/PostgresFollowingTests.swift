import Domain
import Foundation
import PostgresServer
import Storage
import StoragePostgres
import Testing

/// What one process takes over of what another one has committed.
@Suite("PostgreSQL: stores that follow each other")
struct PostgresFollowingTests {
    private let conninfo: String
    private let (one, other): (PostgresStore, PostgresStore)

    init() throws {
        conninfo = try PostgresServer.fresh()
        (one, other) = (try PostgresStore(conninfo), try PostgresStore(conninfo))
        try one.transaction { tx in
            try Samples.addHosts(3, tx)
            _ = try tx.insertBatch { Samples.batch($0) }
        }
    }

    private func addUnits(_ range: Range<Int64>) throws {
        try one.transaction { tx in
            try tx.insertWorkUnits(range.map { Samples.unit(BatchID(rawValue: 1), $0, tasks: 1) })
        }
    }

    /// Gives every unsent task to host 2, whose volunteer has the same number. - Returns: how many there were.
    private func takeAll(_ store: PostgresStore) throws -> Int {
        try store.transaction { tx in
            let tasks = try tx.unsentNumbers(after: TaskID(rawValue: -1), limit: 10_000)
            for task in tasks {
                _ = try #require(try tx.unsentTask(task, notOf: VolunteerID(rawValue: 2)))
                #expect(try tx.ledgerEntries(for: task).isEmpty && tx.seriesEntry(for: task) == nil)
                try Samples.change(task.unit, tx) {
                    $0.tasks[0].state = .sent(Samples.assignment(2, 2))
                    $0.unit.state = .active
                }
            }
            return tasks.count
        }
    }

    @Test("units that another one made are read together, and so are those that were there before")
    func units() throws {
        _ = try other.transaction { try $0.host(HostID(rawValue: 2)) }
        try addUnits(0..<300)
        var before = other.roundTrips
        #expect(try takeAll(other) == 300)
        #expect(other.roundTrips - before < 10, "\(other.roundTrips - before)")
        // More than are read at once; then by a store that was opened later.
        try addUnits(300..<2000)
        before = other.roundTrips
        #expect(try takeAll(other) == 1700)
        #expect(other.roundTrips - before < 60, "\(other.roundTrips - before)")
        try addUnits(2000..<2640)
        let late = try PostgresStore(conninfo)
        before = late.roundTrips
        #expect(try takeAll(late) == 640)
        #expect(late.roundTrips - before < 60, "\(late.roundTrips - before)")
        let dump = try one.transaction { try Samples.dump($0) }
        #expect(try other.transaction { try Samples.dump($0) } == dump)
        #expect(try late.transaction { try Samples.dump($0) } == dump)
    }

    @Test("hosts, volunteers and units that are served here and were changed elsewhere are read together")
    func served() throws {
        try addUnits(0..<50)
        try other.transaction { tx in
            _ = try tx.host(HostID(rawValue: 2))
            _ = try tx.volunteer(VolunteerID(rawValue: 2))
        }
        #expect(try takeAll(other) == 50)
        try one.transaction { tx in
            for number in Int64(1)...3 {
                var host = try #require(try tx.host(HostID(rawValue: number)))
                host.sequence = 1000 + number
                try tx.updateHost(host)
                var volunteer = try #require(try tx.volunteer(VolunteerID(rawValue: number)))
                volunteer.showsHosts.toggle()
                try tx.updateVolunteer(volunteer)
            }
            for index in Int64(0)..<50 {
                try Samples.change(WorkUnitID(batch: BatchID(rawValue: 1), index: index), tx) {
                    $0.unit.updatedAt = Timestamp(milliseconds: 777)
                }
            }
        }
        let before = other.roundTrips
        try other.transaction { tx in
            #expect(try tx.host(HostID(rawValue: 2))?.sequence == 1002)
            _ = try tx.volunteer(VolunteerID(rawValue: 2))
            for index in Int64(0)..<50 {
                let unit = try tx.workUnit(WorkUnitID(batch: BatchID(rawValue: 1), index: index))
                #expect(unit?.unit.updatedAt == Timestamp(milliseconds: 777))
            }
        }
        #expect(other.roundTrips - before <= 4, "\(other.roundTrips - before)")
        let dump = try one.transaction { try Samples.dump($0) }
        #expect(try other.transaction { try Samples.dump($0) } == dump)
    }

    @Test("units that were reported to another one and wait for their validation are read together")
    func awaiting() throws {
        try addUnits(0..<200)
        _ = try other.transaction { try $0.unitsAwaitingValidationCount() }
        try one.transaction { tx in
            for index in Int64(0)..<200 {
                try Samples.change(WorkUnitID(batch: BatchID(rawValue: 1), index: index), tx) {
                    $0.tasks[0].state = .reported(Samples.assignment(1, 1), Samples.report, check: .pending)
                    $0.unit.state = .active
                }
            }
        }
        let before = other.roundTrips
        try other.transaction { tx in
            let units = try tx.unitsAwaitingValidation(limit: 1000)
            #expect(units.count == 200)
            // Some at the end of the queue first: they are changed, and stay so when those before them are read.
            for unit in units.suffix(10) + units.dropLast(10) {
                let task = TaskID(unit: unit, ordinal: 0)
                let aggregate = try Samples.change(unit, tx) { $0.unit.updatedAt = Timestamp(milliseconds: 888) }
                #expect(aggregate.tasks[0].state.report == Samples.report)
                #expect(try tx.ledgerEntries(for: task).isEmpty && tx.seriesEntry(for: task) == nil)
            }
            for unit in units {
                #expect(try tx.workUnit(unit)?.unit.updatedAt == Timestamp(milliseconds: 888))
            }
        }
        #expect(other.roundTrips - before < 20, "\(other.roundTrips - before)")
        let dump = try one.transaction { try Samples.dump($0) }
        #expect(try other.transaction { try Samples.dump($0) } == dump)
    }

    private struct Undone: Error {}

    private func trust(_ store: PostgresStore, app: String) throws -> [TrustRecord?] {
        try store.transaction { tx in try (1...3).map { try tx.trust(of: HostID(rawValue: $0), app: app) } }
    }

    @Test("trust that another one changed is never taken from memory", arguments: [1, 5, 100])
    func trust(apps: Int) throws {
        let names = (0..<apps).map { "app-\($0)" }
        // Both know that there is none.
        for store in [one, other] { for app in names { #expect(try trust(store, app: app) == [nil, nil, nil]) } }
        for round in Int64(1)...3 {
            let (writer, reader) = round.isMultiple(of: 2) ? (other, one) : (one, other)
            // What is undone in between makes the reader forget much else.
            #expect(throws: Undone.self) {
                try reader.transaction { tx in
                    try tx.savepoint { tx in
                        try tx.saveTrust(Samples.trust(3, app: names[0]))
                        try tx.settle()
                        throw Undone()
                    }
                }
            }
            var expected: [TrustRecord] = []
            try writer.transaction { tx in
                for app in names {
                    for host in Int64(1)...2 {
                        var record = Samples.trust(host, app: app)
                        record.passed = 100 * round + host
                        try tx.saveTrust(record)
                        expected.append(record)
                    }
                }
            }
            for (at, app) in names.enumerated() {
                #expect(try trust(reader, app: app) == [expected[2 * at], expected[2 * at + 1], nil])
            }
        }
    }

    @Test("blobs that many threads ask for at the same time: each gets its own, and none where there is none")
    func blobs() async throws {
        let bytes = (0..<300).map { number in
            (0..<40).map { UInt8(truncatingIfNeeded: number &* ($0 + 7)) } + [UInt8(number % 256)]
        }
        let named = bytes.map { (digest: digest(of: $0, with: sha256), bytes: $0) }
        try PostgresSmallBlobs(conninfo).put(named)
        let reader = PostgresSmallBlobs(conninfo)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for start in 0..<8 {
                group.addTask {
                    for step in 0..<named.count {
                        let blob = named[(start * 37 + step) % named.count]
                        let found = try reader.bytes(of: blob.digest)
                        #expect(found == blob.bytes)
                        let none = digest(of: [UInt8(start), 1, 2, UInt8(step % 256)], with: sha256)
                        let nothing = try reader.bytes(of: none)
                        #expect(nothing == nil)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
