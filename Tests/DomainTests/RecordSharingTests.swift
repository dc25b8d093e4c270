import Domain
import Testing

/// Copies of a record share what hardly ever changes: nobody must be able to tell.
@Suite struct RecordSharingTests {
    private static let rule = ReplicationRule(
        quorum: 2, initial: 2, maxTotal: 8, maxErrors: 4, deadline: TimeSpan(seconds: 60))

    private func unit() -> WorkUnitRecord {
        WorkUnitRecord(
            id: WorkUnitID(batch: BatchID(rawValue: 1), index: 3), label: "a piece", app: "app/1",
            container: Digest(bytes: [UInt8](repeating: 1, count: 32))!, containerBytes: 10, flops: 1e9,
            credit: Credit(microcobblestones: 5), memoryBytes: 11, diskBytes: 12, outputBytesMax: 13, flopsBound: 1e10,
            checkEach: false, replication: Self.rule, state: .ready, revision: 0,
            createdAt: Timestamp(milliseconds: 14), updatedAt: Timestamp(milliseconds: 15))
    }

    private static let unitChanges: [@Sendable (inout WorkUnitRecord) -> Void] = [
        { $0.id = WorkUnitID(batch: BatchID(rawValue: 1), index: 4) }, { $0.label = "another" }, { $0.app = "app/2" },
        { $0.container = Digest(bytes: [UInt8](repeating: 2, count: 32))! }, { $0.containerBytes += 1 },
        { $0.flops *= 2 }, { $0.credit = .zero }, { $0.memoryBytes += 1 }, { $0.diskBytes += 1 },
        { $0.outputBytesMax += 1 }, { $0.flopsBound *= 2 }, { $0.checkEach = true }, { $0.replication.quorum = 3 },
        { $0.state = .active }, { $0.revision += 1 }, { $0.createdAt = Timestamp(milliseconds: 0) },
        { $0.updatedAt = Timestamp(milliseconds: 0) },
    ]

    @Test(arguments: unitChanges.indices) func aChangedUnitIsAnother(_ at: Int) {
        let first = unit()
        var second = first
        Self.unitChanges[at](&second)
        #expect(second != first)
        #expect(first == unit(), "the copy was changed with it")
        var third = unit()
        Self.unitChanges[at](&third)
        #expect(third == second && third.hashValue == second.hashValue)
        #expect("\(first)" == "\(unit())" && "\(second)" == "\(third)" && "\(first)" != "\(second)")
    }

    @Test func unitsThatShareNothingAreEqual() {
        #expect(unit() == unit() && unit().hashValue == unit().hashValue)
        #expect(Set([unit(), unit()]).count == 1)
    }

    private func host() -> HostRecord {
        HostRecord(
            id: HostID(rawValue: 1), volunteer: VolunteerID(rawValue: 2), publicKey: [UInt8](repeating: 1, count: 32),
            profile: HostProfile(
                name: "name", platform: "x86_64-linux", cpuModel: "cpu", cores: 4, memoryBytes: 5, diskFreeBytes: 6,
                benchmarkFlopsPerSecond: 7, clientVersion: "1"),
            sequence: 1, measuredFlopsPerSecond: nil, validCount: 0, invalidCount: 0, errorCount: 0, credit: .zero,
            createdAt: Timestamp(milliseconds: 8), lastSeenAt: Timestamp(milliseconds: 9))
    }

    private static let hostChanges: [@Sendable (inout HostRecord) -> Void] = [
        { $0.publicKey[31] = 0 }, { $0.profile.name = "another" }, { $0.profile = .erased }, { $0.sequence += 1 },
        { $0.credit = Credit(microcobblestones: 1) }, { $0.removedAt = Timestamp(milliseconds: 9) },
    ]

    @Test(arguments: hostChanges.indices) func aChangedHostIsAnother(_ at: Int) {
        let first = host()
        var second = first
        Self.hostChanges[at](&second)
        #expect(second != first)
        #expect(first == host(), "the copy was changed with it")
        var third = host()
        Self.hostChanges[at](&third)
        #expect(third == second && third.hashValue == second.hashValue)
        #expect("\(first)" == "\(host())" && "\(second)" == "\(third)" && "\(first)" != "\(second)")
    }
}
