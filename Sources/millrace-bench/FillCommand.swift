import ArgumentParser
import Domain
import Glibc
import Measuring
import ServerCore
import ServerHTTP
import Storage
import StorageSQLite

/// `millrace-bench fill`.
struct FillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fill", abstract: "Fills a server's data directory with finished and waiting work units.",
        discussion: """
            Rows of units, tasks and ledger go through the store's own interface, thousands in a transaction. Two \
            batches: 1 is finished and paid, 2 waits. Blobs are shared, and the public log is not told of batch 1, so \
            `fsck` has something to say of such a directory; it is for `drive --data` and `cancel --data` only.

            Example:
              millrace-bench fill --folder /tmp/million --units 1000000 --finished 0.9
              millrace-bench drive --data /tmp/million
            """)
    /// The one whose units wait.
    static let waitingBatch: UInt64 = 2

    @Option(name: .long, help: "The directory; made, and must not be there.")
    var folder: String

    @Option(name: .long, help: "Work units in all.")
    var units = 1_000_000

    @Option(name: .long, help: "The share of units that are finished: 0 to 1.")
    var finished = 0.9

    @Option(name: .long, help: "Registered hosts, of whom each finished unit has one.")
    var hosts = 1000

    func validate() throws {
        guard (1...100_000_000).contains(units), (0...1).contains(finished), (1...50_000).contains(hosts) else {
            throw ValidationError("a number is out of its range")
        }
    }

    func run() throws {
        guard access(folder, F_OK) != 0 else { throw Fault(.usage, "\(folder) is already there") }
        let clock = ContinuousClock()
        let start = clock.now
        let filler = try StoreFiller(folder: folder, hosts: hosts)
        let ended = Int(Double(units) * finished)
        try filler.fill(ended, isFinished: true)
        try filler.fill(units - ended, isFinished: false)
        let seconds = start.duration(to: clock.now).inSeconds
        print("\(units) units, \(ended) of them finished: \(BenchTable.short(seconds)) s")
    }
}

/// Writes units that nobody has computed, as they would lie there if somebody had.
private struct StoreFiller {
    private static let slice = 5000
    private let store: SQLiteStore
    private let core: ProjectServer
    private let manifest: Digest
    private let container: Digest
    private let containerBytes: Int64
    private let hosts: Int
    private let now = Timestamp(milliseconds: Int64(time(nil)) * 1000)

    init(folder: String, hosts: Int) throws {
        let directory = try DataDirectory(path: folder, hash: BlobHash.factory)
        store = try directory.openStore()
        let spec = BenchSite.spec(1)
        core = ProjectServer(
            settings: ServerSettings(site: "Bench", resultsPath: folder + "/results"),
            keys: ServerKeys(project: try ServerFiles(path: folder).projectKey()), blobs: directory.blobs
        ) { _ in spec }
        try BenchServer.register(hosts, in: store, core)
        self.hosts = hosts
        manifest = try directory.blobs.put(Array(NoOp.manifest(quorum: 1).utf8))
        // The size of a real one; hosts of the benchmark do not look inside.
        let bytes = (0..<409).map { UInt8(truncatingIfNeeded: $0 &* 73) }
        container = try directory.blobs.put(bytes)
        containerBytes = Int64(bytes.count)
    }

    func fill(_ count: Int, isFinished: Bool) throws {
        var batch = try store.transaction { tx in
            try core.submit(BenchSite.spec(1), manifest: manifest, inputs: [], in: tx, now: now)
        }
        for first in stride(from: 0, to: count, by: Self.slice) {
            let units = (first..<min(first + Self.slice, count)).map { unit($0, of: batch, isFinished) }
            try store.transaction { tx in
                try tx.insertWorkUnits(units)
                for unit in isFinished ? units : [] { try pay(unit, batch, in: tx) }
            }
        }
        batch.splitFinished = true
        batch.workUnitCount = Int64(count)
        if isFinished {
            batch.state = .finished
            batch.finishedAt = now
        }
        try store.transaction { tx in
            try tx.updateBatch(batch)
            if isFinished { try settle(count, in: tx) }
        }
    }

    private func unit(_ index: Int, of batch: BatchRecord, _ isFinished: Bool) -> WorkUnitAggregate {
        let id = WorkUnitID(batch: batch.id, index: Int64(index))
        let task = TaskID(unit: id, ordinal: 0)
        let record = WorkUnitRecord(
            id: id, label: "unit \(index)", app: "\(NoOp.name)/1", container: container, containerBytes: containerBytes,
            flops: 1e9, credit: Self.credit, memoryBytes: 1 << 20, diskBytes: 1 << 16, outputBytesMax: 1 << 10,
            flopsBound: 1e10, checkEach: false, replication: BenchSite.spec(1).replication,
            state: isFinished ? .assembled(canonical: task) : .ready, revision: isFinished ? 4 : 0, createdAt: now,
            updatedAt: now)
        guard isFinished else {
            return WorkUnitAggregate(unit: record, tasks: [TaskRecord(id: task, state: .unsent)])
        }
        let report = TaskReport(
            reportedAt: now, result: container, resultBytes: containerBytes, cpuSeconds: 1, wallSeconds: 1,
            fingerprint: "bench")
        let verdict = Verdict(outcome: .valid, decidedAt: now, comparedWith: nil, difference: nil, reason: "canonical")
        return WorkUnitAggregate(
            unit: record, tasks: [TaskRecord(id: task, state: .decided(assignment(index), report, verdict))])
    }

    private static let credit = Credit(microcobblestones: 2315)

    private func assignment(_ index: Int) -> Assignment {
        // Each host is of a volunteer of its own, and both were numbered together.
        let number = Int64(index % hosts + 1)
        return Assignment(
            host: HostID(rawValue: number), volunteer: VolunteerID(rawValue: number), sentAt: now,
            deadline: now + TimeSpan(seconds: 1e6))
    }

    private func pay(_ unit: WorkUnitAggregate, _ batch: BatchRecord, in tx: any StoreTransaction) throws {
        guard let task = unit.tasks.first, let host = task.state.assignment?.host else { return }
        _ = try tx.appendLedger(
            LedgerEntry(
                number: 0, at: now, debit: .project(batch.project), credit: .host(host), amount: Self.credit,
                task: task.id, project: batch.project))
    }

    /// What hosts and volunteers have got by all that.
    private func settle(_ count: Int, in tx: any StoreTransaction) throws {
        for number in 0..<min(hosts, count) {
            let units = Int64((count - number + hosts - 1) / hosts)
            let amount = Credit(microcobblestones: Self.credit.microcobblestones * units)
            guard var host = try tx.host(HostID(rawValue: Int64(number + 1))),
                var volunteer = try tx.volunteer(host.volunteer)
            else { throw Fault(.software, "host \(number + 1) is not there") }
            host.validCount += units
            host.credit = host.credit + amount
            volunteer.credit = volunteer.credit + amount
            try tx.updateHost(host)
            try tx.updateVolunteer(volunteer)
        }
    }
}
