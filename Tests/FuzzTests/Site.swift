import Bytes
import Domain
import Engine
import Foundation
import ServerCore
import Storage
import SwiftProtobuf
import Synchronization
import Wire

/// A server with a past: units in several states, a host with tasks out, one that has reported.
final class Site {
    let store = MemoryStore()
    let blobs = ScratchBlobs()
    let core: ProjectServer
    let spec: ProjectSpec
    var now = Timestamp(seconds: 1_000_000)
    /// Jobs that the server asks for: a split, a check, a comparison.
    var jobs: [ServerJob] = []
    let hosts: [(id: HostID, key: SigningKey)]
    /// Tasks that are out at the first host.
    private(set) var held: [WireTaskOffer] = []
    private(set) var sequence: Int64 = 0

    init() throws {
        guard let key = SigningKey(rawRepresentation: [UInt8](repeating: 3, count: 32)) else {
            throw BrokenPromise("no key")
        }
        let spec = ProjectSpec.sample
        self.spec = spec
        core = ProjectServer(
            settings: ServerSettings(site: "Fuzz", resultsPath: "/results"), keys: ServerKeys(project: key),
            blobs: blobs, spec: { _ in spec })
        hosts = try (0..<3).map { number in
            guard let key = SigningKey(rawRepresentation: [UInt8](repeating: UInt8(number + 9), count: 32)) else {
                throw BrokenPromise("no key")
            }
            return (HostID(rawValue: Int64(number + 1)), key)
        }
        try build()
        blobs.keep()
    }

    private func build() throws {
        for (number, host) in hosts.enumerated() { try register(host.key, "volunteer \(number)") }
        let manifest = try blobs.put(Array("manifest".utf8))
        let data = Array("photons".utf8)
        let input = InputReference(
            name: "photons", digest: try blobs.put(data), size: Int64(data.count), packing: .plain)
        _ = try store.transaction { try core.submit(spec, manifest: manifest, inputs: [input], in: $0, now: now) }
        for job in try tick() { try finish(job, SampleMessages.splitAnswer) }
        held = try call(0, want: 4).tasks
        let others = try call(1, want: 4).tasks
        // One unit waits for its check, one for its comparison, two are out.
        _ = try call(0, reports: held.prefix(2).map { SampleMessages.success($0.taskID, Array("true".utf8)) })
        _ = try call(1, reports: others.prefix(2).map { SampleMessages.success($0.taskID, Array("true".utf8)) })
        let checked = TaskID(rawValue: Int64(held[0].taskID)).unit
        for _ in 0..<2 {
            for job in try tick() {
                if case .check(let task) = job.key, task.unit == checked { try finish(job, SampleMessages.replies[4]) }
            }
        }
        held.removeFirst(2)
        _ = try store.transaction { try core.submit(spec, manifest: manifest, inputs: [input], in: $0, now: now) }
        jobs = try tick()
    }

    private func tick() throws -> [ServerJob] {
        try store.transaction { try core.tick(JobBoard(), in: $0, now: now).jobs }
    }

    private func finish(_ job: ServerJob, _ reply: WireWorkerReply) throws {
        let event = try core.event(job, .reply(reply), board: JobBoard(), now: now)
        _ = try store.transaction { try core.commit(event, in: $0, now: now) }
    }

    private func register(_ key: SigningKey, _ name: String) throws {
        var request = SampleMessages.register
        request.publicKey = Data(key.publicKey.rawRepresentation)
        request.volunteerName = name
        let body: [UInt8] = try request.serializedBytes()
        let signature = key.sign(
            RequestSignature.message(method: "POST", path: "/v1/register", sequence: 0, body: body))
        let call = try core.checkRegister(request, body: body, path: "/v1/register", signature: signature)
        _ = try store.transaction { try core.register(call, in: $0, now: now).get() }
    }

    static let code = LinkCode(random: [1, 2, 3, 4, 5])

    /// A code of the first host's volunteer.
    func linkCode() throws -> String {
        sequence += 1
        let call = try core.checkAccount(
            SampleMessages.filled(WireAccountRequest.self) { $0.action = .accountLinkCode }
        ) {
            Site.code
        }
        return try store.transaction {
            try core.account(
                call, host: hosts[0].id, sequence: sequence, in: $0, now: now
            ).get().linkCode
        }
    }

    func request(_ reports: [WireTaskReportMessage], want: UInt32) -> WireSchedulerRequest {
        var request = SampleMessages.scheduler
        request.heldTasks = held.map(\.taskID)
        request.reports = reports
        request.wantTasks = want
        request.wantSeconds = 1e6
        return request
    }

    private func call(
        _ host: Int, reports: [WireTaskReportMessage] = [], want: UInt32 = 0
    ) throws -> WireSchedulerReply {
        sequence += 1
        let call = try core.checkScheduler(request(reports, want: want), now: now)
        let wanted = try store.transaction {
            try core.wantedInline(call, host: hosts[host].id, sequence: sequence, in: $0)
        }
        try core.storeInline(call, wanted)
        let outcome = try store.transaction {
            try core.schedule(call, host: hosts[host].id, sequence: sequence, sentLastDay: 0, in: $0, now: now).get()
        }
        return core.finish(outcome)
    }

    // MARK: Cases

    /// Everything that the store holds.
    struct Snapshot: Hashable {
        var batches: [BatchRecord] = []
        var units: [WorkUnitAggregate] = []
        var hosts: [HostRecord] = []
        var volunteers: [VolunteerRecord] = []
        var ledger: [LedgerEntry] = []
        var teams: [TeamRecord] = []
        var memberships: [Membership] = []
    }

    func snapshot(_ tx: any StoreTransaction) throws -> Snapshot {
        var shot = Snapshot()
        shot.batches = try tx.batches()
        for batch in shot.batches { shot.units += try tx.workUnits(of: batch.id, fromIndex: 0, limit: 10_000) }
        shot.hosts = try tx.hosts()
        for number in 1... {
            guard let volunteer = try tx.volunteer(VolunteerID(rawValue: Int64(number))) else { break }
            shot.volunteers.append(volunteer)
        }
        shot.ledger = try tx.ledger(fromNumber: 1, limit: 10_000)
        shot.teams = try tx.teams()
        shot.memberships = try tx.lastingMemberships()
        return shot
    }

    private struct Undo: Error { var outcome: Result<Bool, any Error> }

    /// Runs one request as the server's edge does, checks its promises, and takes everything back.
    ///
    /// - Parameter body: throws a `RequestRefusal` when the request is refused.
    /// - Returns: whether it was taken.
    func attempt(_ base: Snapshot, _ body: (any StoreTransaction) throws -> Void) throws -> Bool {
        defer { blobs.reset() }
        do {
            try store.transaction { tx in throw Undo(outcome: Result { try judge(base, tx, body) }) }
        } catch let undo as Undo {
            guard try store.transaction({ try snapshot($0) }) == base else {
                throw BrokenPromise("a transaction that was undone left something behind")
            }
            return try undo.outcome.get()
        }
        return false
    }

    private func judge(
        _ base: Snapshot, _ tx: any StoreTransaction, _ body: (any StoreTransaction) throws -> Void
    ) throws -> Bool {
        do {
            try body(tx)
        } catch let refusal as RequestRefusal {
            guard try snapshot(tx) == base else { throw BrokenPromise("refused (\(refusal.message)) and changed rows") }
            guard blobs.isAsKept else { throw BrokenPromise("refused (\(refusal.message)) and stored a blob") }
            guard !refusal.message.isEmpty, refusal.message.utf8.count < 4096 else {
                throw BrokenPromise("a refusal of \(refusal.message.utf8.count) bytes")
            }
            return false
        }
        let differences = try StoreAudit.differences(tx)
        guard differences.isEmpty else { throw BrokenPromise("the store is not sound: \(differences)") }
        for aggregate in try snapshot(tx).units {
            if let broken = WorkUnitMachine.invariantViolation(aggregate) { throw BrokenPromise(broken) }
        }
        if let violation = Ledger.violation(in: try tx.ledger(fromNumber: 1, limit: 10_000)) {
            throw BrokenPromise("the ledger: \(violation)")
        }
        return true
    }
}

extension SampleMessages {
    static let splitAnswer = answer {
        $0.split.drafts = (0..<4).map { number in
            filled(WireUnitDraftMessage.self) {
                $0.label = "piece \(number)"
                $0.flops = 4.32e11
                $0.sections = [section]
            }
        }
        $0.split.cursor = Data([4])
        $0.split.finished = true
        $0.split.appVersion = 1
    }
}

extension ProjectSpec {
    static let sample = ProjectSpec(
        name: "sample", title: "A sample", description: "", scienceArea: "none", licence: "CC0-1.0",
        app: "sample-app", parameters: [Parameter(name: "p", value: .integer(1))],
        inputs: [InputFile(name: "photons", path: "photons", packing: .plain)], split: SplitRule(stepsPerUnit: 1),
        replication: ReplicationRule(
            quorum: 2, initial: 2, maxTotal: 6, maxErrors: 4, deadline: TimeSpan(seconds: 1000)),
        resources: ResourceRule(
            flopsPerStep: nil, flopsBoundFactor: 10, memoryBytes: 1 << 20, diskBytes: 1 << 20, outputBytes: 1 << 16),
        validation: ValidationRule(checkEach: true, relativeTolerance: nil, absoluteTolerance: nil),
        credit: CreditRule(factor: 1))
}

/// Blobs in memory, of which those since `keep` are forgotten by `reset`.
final class ScratchBlobs: BlobStore {
    private let state = Mutex(State())

    private struct State {
        var kept: [Digest: [UInt8]] = [:]
        var new: [Digest: [UInt8]] = [:]
    }

    func keep() {
        state.withLock {
            $0.kept.merge($0.new) { first, _ in first }
            $0.new = [:]
        }
    }

    func reset() { state.withLock { $0.new = [:] } }
    var isAsKept: Bool { state.withLock { $0.new.isEmpty } }

    func put(_ bytes: [UInt8]) throws -> Digest {
        let digest = SHA256Hash.digest(of: bytes)
        state.withLock { if $0.kept[digest] == nil { $0.new[digest] = bytes } }
        return digest
    }

    private func bytes(_ digest: Digest) -> [UInt8]? { state.withLock { $0.new[digest] ?? $0.kept[digest] } }
    func contains(_ digest: Digest) throws -> Bool { bytes(digest) != nil }
    func size(of digest: Digest) throws -> Int64? { bytes(digest).map { Int64($0.count) } }

    func read(_ digest: Digest, limit: Int) throws -> [UInt8] {
        guard let bytes = bytes(digest), bytes.count <= limit else { throw StoreError.missing("blob \(digest)") }
        return bytes
    }

    func read(_ digest: Digest, offset: Int64, count: Int) throws -> [UInt8] {
        throw StoreError.missing("parts of blobs are not read here")
    }
    func path(of digest: Digest) -> String? { nil }
    func remove(_ digest: Digest) throws { state.withLock { $0.new[digest] = nil } }
    func uploadOffset(_ name: UploadName) throws -> Int64 { 0 }
    func appendUpload(_ name: UploadName, offset: Int64, bytes: [UInt8], limit: Int64) throws -> Int64 {
        throw StoreError.io("no uploads here")
    }
    func finishUpload(_ name: UploadName, expecting digest: Digest) throws {
        throw StoreError.missing("no uploads here")
    }
    func removeStaleUploads(before: Timestamp) throws {}
}
