import Bytes
import Domain
import Engine
import FoundationEssentials
import ServerCore
import Storage
import SwiftProtobuf
import Synchronization
import Testing
import Wire

/// A whole site in memory: the real core on a memory store, volunteers that answer at once, a worker that knows the
/// truth. Results are short texts; the text `true <unit>` is the right one.
final class TestSite {
    let store: any Store
    let blobs: any BlobStore
    var core: ProjectServer
    var spec: ProjectSpec
    let manifest: Digest
    let input: InputReference
    var board = JobBoard()
    var now = Timestamp(seconds: 1_000_000)
    /// What the worker does instead of answering; asked before every job.
    var workerFault: (JobKey) -> Fault? = { _ in nil }
    /// The failure that the worker replies instead of an answer; asked when there is no fault.
    var workerFailure: (JobKey) -> FaultKind? = { _ in nil }
    /// Whether the check proves true results.
    var proves = false
    /// What keeps the server from reading its manifests.
    let manifestFault = FaultBox()
    /// What the last tick could not do.
    var troubles: [String] = []
    /// Batches whose answer was written.
    var assembled: [BatchID: [String]] = [:]
    let unitCount: Int
    private var codesDrawn: UInt8 = 0

    /// Another one each time, and the same ones in each run.
    func drawLinkCode() -> LinkCode {
        codesDrawn += 1
        return LinkCode(random: [codesDrawn, 2, 3, 4, 250])
    }

    /// The same in every run: where a call looks for tasks follows from it.
    static let key: SigningKey = {
        guard let key = SigningKey(rawRepresentation: [UInt8](repeating: 5, count: 32)) else { return SigningKey() }
        return key
    }()

    init(
        store: any Store = MemoryStore(), blobs: any BlobStore = MemoryBlobStore(hash: BlobHash.factory),
        units: Int = 4, quorum: Int = 2, checkEach: Bool = true, acceptance: AcceptanceRule = .quorum,
        replicas: (initial: Int, maxTotal: Int)? = nil, key: SigningKey = TestSite.key,
        spread: SpreadRule = SpreadRule(), validation: ValidationRule? = nil,
        adjust: (inout ServerSettings) -> Void = { _ in }
    ) throws {
        self.store = store
        self.blobs = blobs
        unitCount = units
        var spec = ProjectSpec.sample(quorum: quorum, checkEach: checkEach, acceptance: acceptance)
        if let replicas { (spec.replication.initial, spec.replication.maxTotal) = replicas }
        spec.spread = spread
        if let validation { spec.validation = validation }
        self.spec = spec
        let manifestSpec = spec
        manifest = try blobs.put(Array("manifest".utf8))
        let data = Array("photons".utf8)
        input = InputReference(
            name: "photons", digest: try blobs.put(data), size: Int64(data.count), packing: .plain)
        var settings = ServerSettings(site: "Test site", resultsPath: "/results")
        settings.splitDrafts = 3
        adjust(&settings)
        core = ProjectServer(settings: settings, keys: ServerKeys(project: key), blobs: blobs) { [manifestFault] _ in
            if let fault = manifestFault.fault.withLock({ $0 }) { throw fault }
            return manifestSpec
        }
    }

    /// The same store and blobs under a new process: nothing in memory survives.
    /// A text that the splitter puts into every unit.
    var unitText: ((Int) -> String)?

    func restart() { board = JobBoard() }

    func submit() throws -> BatchID {
        try store.transaction { tx in
            try core.submit(spec, manifest: manifest, inputs: [input], in: tx, now: now).id
        }
    }

    func wait(_ seconds: Double) { now = now + TimeSpan(seconds: seconds) }

    // MARK: The worker

    /// Ticks and runs what it asks for until it asks for nothing more. - Returns: how many jobs ran.
    @discardableResult
    func work(roundsMax: Int = 200) throws -> Int {
        var done = 0
        for _ in 0..<roundsMax {
            let jobs = try tick()
            if jobs.isEmpty { return done }
            for job in jobs { try run(job) }
            done += jobs.count
        }
        Issue.record("the server asks for work without end")
        return done
    }

    func tick() throws -> [ServerJob] {
        let report = try store.transaction { tx in try core.tick(board, in: tx, now: now) }
        core.started(report, on: &board)
        troubles = report.troubles
        return report.jobs
    }

    /// - Parameter times: how often the end of the job is written, as when two processes did it.
    func run(_ job: ServerJob, times: Int = 1) throws {
        let result: JobResult
        if let fault = workerFault(job.key) {
            result = .fault(fault)
        } else if let kind = workerFailure(job.key) {
            var reply = WireWorkerReply()
            reply.failure.kind = kind.rawValue
            reply.failure.message = "cannot read a file of the server"
            result = .reply(reply)
        } else {
            result = .reply(try answer(job.message))
        }
        let event = try core.event(job, result, board: board, now: now)
        if case .assembled(let batch, _) = event, try store.transaction({ try core.mayAssemble(batch, in: $0) }) {
            assembled[batch] = try units(of: batch).map { try text($0.result.path) }
        }
        for _ in 0..<times {
            var rest: JobEvent? = event
            while let event = rest { rest = try store.transaction { tx in try core.commit(event, in: tx, now: now) } }
        }
        core.ended(job, event, on: &board, now: now)
    }

    /// All units of an answer, page by page.
    private func units(of batch: BatchID) throws -> [WireAssembleUnit] {
        var units: [WireAssembleUnit] = []
        var next: Int64? = 0
        while let index = next {
            let page = try store.transaction { try core.assembleUnits(of: batch, from: index, in: $0) }
            units += page.units
            next = page.next
        }
        return units
    }

    private func answer(_ job: WireWorkerJob) throws -> WireWorkerReply {
        var reply = WireWorkerReply()
        switch job.job {
        case .split(let split):
            let first = split.cursor.isEmpty ? 0 : Int(split.cursor[0])
            let last = min(first + Int(split.limit), unitCount)
            reply.split.drafts = (first..<last).map { index in
                var draft = WireUnitDraftMessage()
                draft.label = "piece \(index)"
                draft.flops = 4.32e11
                draft.sections = [
                    SectionCodec.stored(
                        name: "index", kind: .elementInt64, bytes: LittleEndian.bytes(of: [Int64(index)]))
                ]
                if let text = unitText {
                    draft.sections.append(
                        SectionCodec.stored(name: "text", kind: .elementUtf8, bytes: Array(text(index).utf8)))
                }
                return draft
            }
            reply.split.cursor = Data([UInt8(last)])
            reply.split.finished = last == unitCount
            reply.split.appVersion = 1
        case .check(let check):
            let said = try text(check.result.path)
            reply.check.outcome =
                said.hasPrefix("true") || said.hasPrefix("wrong")
                ? (proves && said.hasPrefix("true") ? .checkProven : .checkPlausible)
                : said.hasPrefix("lie") ? .checkRefuted : .checkMalformed
            reply.check.reason = "said \(said)"
            reply.check.difference.element = "text"
            reply.check.difference.distance = 2
            reply.check.difference.tolerance = 1
        case .compare(let compare):
            let texts = try compare.results.map { try text($0.path) }
            for first in texts.indices {
                for second in texts.indices.dropFirst(first + 1) {
                    var pair = WirePairReply()
                    pair.first = UInt32(first)
                    pair.second = UInt32(second)
                    pair.agree = texts[first] == texts[second]
                    pair.difference.element = "text"
                    pair.difference.distance = 3
                    reply.compare.pairs.append(pair)
                }
            }
        case .assemble: reply.assemble.files = ["answer.csv"]
        case .describe, nil: Issue.record("an unexpected job")
        }
        return reply
    }

    /// Memory blobs have no paths; the core names them by their hash.
    private func text(_ path: String) throws -> String {
        let digest = try #require(Digest(hex: path))
        return String(decoding: try blobs.read(digest, limit: 1 << 20), as: UTF8.self)
    }

    // MARK: Looking

    func status(_ batch: BatchID) throws -> WireBatchStatus {
        try store.transaction { tx in
            let record = try #require(try tx.batch(batch))
            return try core.status(of: record, rate: BatchRate(), files: [], in: tx)
        }
    }

    func credit() throws -> WireCreditReport {
        try store.transaction { tx in try core.creditReport(in: tx, now: now) }
    }

    func validation(_ batch: BatchID) throws -> WireValidationReport {
        try store.transaction { tx in
            try #require(try core.validationReport(ValidationQuery(batch: batch), in: tx))
        }
    }

    /// Everything the store itself can check, and the laws of the ledger.
    func expectSoundStore(_ at: SourceLocation = #_sourceLocation) throws {
        let differences = try store.transaction { try StoreAudit.differences($0) }
        #expect(differences == [], sourceLocation: at)
        #expect(try store.transaction { try LogAudit.differences(in: $0) } == [], sourceLocation: at)
        let report = try credit()
        #expect(report.balanced, sourceLocation: at)
        let sum = report.hosts.reduce(Int64(0)) { $0 + $1.microcobblestones }
        #expect(sum == report.ledgerTotalMicrocobblestones, sourceLocation: at)
        try store.transaction { tx in
            let violation = Ledger.violation(in: try tx.ledger(fromNumber: 1, limit: 100_000))
            #expect(violation == nil, sourceLocation: at)
        }
    }
}

/// A fault that a test sets and takes away.
final class FaultBox: Sendable {
    let fault = Mutex<Fault?>(nil)

    func set(_ new: Fault?) { fault.withLock { $0 = new } }
}

extension ProjectSpec {
    static func sample(quorum: Int, checkEach: Bool, acceptance: AcceptanceRule = .quorum) -> ProjectSpec {
        ProjectSpec(
            name: "sample", title: "A sample", description: "", scienceArea: "none", licence: "CC0-1.0",
            app: "sample-app", parameters: [Parameter(name: "p", value: .integer(1))],
            inputs: [InputFile(name: "photons", path: "photons", packing: .plain)],
            split: SplitRule(stepsPerUnit: 1),
            replication: ReplicationRule(
                quorum: quorum, initial: acceptance.trustsSingle ? 1 : quorum, maxTotal: 6, maxErrors: 4,
                deadline: TimeSpan(seconds: 1000), acceptance: acceptance),
            resources: ResourceRule(
                flopsPerStep: nil, flopsBoundFactor: 10, memoryBytes: 1 << 20, diskBytes: 1 << 20,
                outputBytes: 1 << 16),
            validation: ValidationRule(checkEach: checkEach, relativeTolerance: nil, absoluteTolerance: nil),
            credit: CreditRule(factor: 1))
    }
}
