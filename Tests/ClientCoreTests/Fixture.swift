import Bytes
import ClientCore
import Domain
import Foundation
import Wire

/// A project with a key, units and receipts, as a client sees it from outside.
struct Project {
    let key = SigningKey()
    let host = HostID(rawValue: 7)
    static let app = "counting"

    var attachment: ClientState.Attachment {
        ClientState.Attachment(
            serverURL: "http://127.0.0.1:1", site: "Test", projectKey: key.publicKey.rawRepresentation, host: host,
            volunteerName: "Ada")
    }

    func task(_ index: Int64, ordinal: Int = 0) -> TaskID {
        TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 1), index: index), ordinal: ordinal)
    }

    func body(_ task: TaskID, change: (inout WireWorkUnitBody) -> Void = { _ in }) -> WireWorkUnitBody {
        var body = WireWorkUnitBody()
        body.unitID = UInt64(task.unit.rawValue)
        body.project = "counting-stars"
        body.label = "unit \(task.unit.index)"
        body.app = Self.app
        body.appVersion = 1
        body.flops = 1e9
        body.flopsBound = 1e11
        body.memoryBytes = 64 << 20
        body.diskBytes = 64 << 20
        body.outputBytesMax = 1 << 20
        change(&body)
        return body
    }

    func container(
        _ task: TaskID, key: SigningKey? = nil, change: (inout WireWorkUnitBody) -> Void = { _ in }
    ) throws -> [UInt8] {
        try UnitContainer.encode(body(task, change: change), key: key ?? self.key)
    }

    func offer(_ task: TaskID, unit: [UInt8], inline: Bool = true, deadlineMs: UInt64 = 1 << 50) -> WireTaskOffer {
        var offer = WireTaskOffer()
        offer.taskID = UInt64(task.rawValue)
        offer.unitSha256 = Data(SHA256Hash.digest(of: unit).bytes)
        offer.unitBytes = UInt64(unit.count)
        if inline { offer.unitInline = Data(unit) }
        offer.deadlineMs = deadlineMs
        offer.estimatedSeconds = 10
        offer.uploadTicket = "ticket-\(task.rawValue)"
        offer.project = "counting-stars"
        offer.flops = 1e9
        return offer
    }

    func reply(
        offers: [WireTaskOffer] = [], receipts: [WireReceipt] = [], abort: [TaskID] = [], next: Double = 0,
        host: HostID? = nil, key: SigningKey? = nil
    ) -> WireSchedulerReply {
        var reply = WireSchedulerReply()
        reply.tasks = offers
        reply.abortTasks = abort.map { UInt64($0.rawValue) }
        reply.nextCallSeconds = next
        guard !receipts.isEmpty else { return reply }
        var message = WireReceipts()
        message.hostID = UInt64((host ?? self.host).rawValue)
        message.receipts = receipts
        let bytes = (try? StrictDecode.bytes(of: message)) ?? []
        reply.receipts = Data(bytes)
        reply.receiptsSignature = Data((key ?? self.key).sign(ReceiptSignature.message(receipts: bytes)))
        return reply
    }

    func receipt(_ task: TaskID, _ digest: Digest?, _ status: WireReceiptStatus = .receiptAccepted) -> WireReceipt {
        var receipt = WireReceipt()
        receipt.taskID = UInt64(task.rawValue)
        receipt.resultSha256 = Data(digest?.bytes ?? [])
        receipt.status = status
        return receipt
    }

    func settings(cores: Int = 1, change: (inout ClientSettings) -> Void = { _ in }) -> ClientSettings {
        var settings = ClientSettings(
            cores: cores, apps: ["\(Self.app)/1"],
            profile: HostProfile(
                name: "host", platform: "x86_64-linux", cpuModel: "cpu", cores: cores, memoryBytes: 1 << 33,
                diskFreeBytes: 1 << 40, benchmarkFlopsPerSecond: 4e9, clientVersion: "test"))
        settings.idle.always = true
        change(&settings)
        return settings
    }
}

/// A machine with a clock, for tests that drive it event by event.
struct Driver {
    let project = Project()
    var machine: ClientMachine
    var now = Timestamp(seconds: 1_800_000_000)
    /// What was decided at the last event.
    var last: [ClientAction] = []

    init(cores: Int = 1, change: (inout ClientSettings) -> Void = { _ in }) {
        machine = ClientMachine(
            state: ClientState(attachment: project.attachment),
            settings: project.settings(cores: cores) { settings in
                // No task beyond the running ones, so that a call is about the matter in hand.
                settings.bufferSeconds = 0
                change(&settings)
            }, machineCores: 4, now: now)
        send(.started(slots: [], blobs: []))
    }

    @discardableResult
    mutating func send(_ event: ClientEvent, after seconds: Double = 0, random: Double = 0.5) -> [ClientAction] {
        now = now + TimeSpan(seconds: seconds)
        last = machine.handle(event, now: now, random: random)
        return last
    }

    /// Offers a unit, and brings its task to the point where its worker runs.
    mutating func takeUp(
        _ index: Int64 = 0, change: (inout WireWorkUnitBody) -> Void = { _ in }
    ) throws -> TaskID {
        let task = project.task(index)
        let unit = try project.container(task, change: change)
        send(.callAnswered(project.reply(offers: [project.offer(task, unit: unit)])))
        return task
    }

    func stage(_ task: TaskID) -> HeldTask.Stage? { machine.state[task: task]?.stage }

    var failure: TaskErrorCode? {
        for task in machine.state.tasks { if case .failed(let code, _) = task.stage { return code } }
        return nil
    }

    static func ending(
        _ code: Int32?, result: ResultSummary? = nil, words: String = "", cpuSeconds: Double = 1
    ) -> WorkerEnding {
        WorkerEnding(
            code: code, reason: code.map { "exit code \($0)" } ?? "signal 9", lastWords: words,
            cpuSeconds: cpuSeconds,
            progress: WorkerProgress(
                fraction: 1, used: Usage(cpuSeconds: 5, wallSeconds: 6, kernelSeconds: 4), peakMemoryBytes: 1),
            result: result)
    }

    static func result(_ bytes: Int = 100) -> ResultSummary {
        ResultSummary(
            digest: SHA256Hash.digest(of: [UInt8](repeating: 1, count: 10)), bytes: Int64(bytes), fingerprint: "cpu")
    }

    /// The last decision's call, if there is one.
    var call: SchedulerCall? {
        for case .call(let call) in last { return call }
        return nil
    }
}

extension [ClientAction] {
    /// Short words for comparison: `start 0`, `save`, ...
    var words: [String] {
        compactMap { action in
            switch action {
            case .storeTask(let offer, _): "store \(offer.task.unit.index)"
            case .save: "save"
            case .keepReceipts: "keep receipts"
            case .call: "call"
            case .fetchUnit(let task, _, _): "fetch unit \(task.unit.index)"
            case .fetchBlob(let input): "fetch blob \(input.name)"
            case .findProgram(let task, let program): "find \(program.title) for \(task.unit.index)"
            case .upload(let task, _, _): "upload \(task.unit.index)"
            case .startWorker(let task): "start \(task.unit.index)"
            case .suspendWorker(let task): "suspend \(task.unit.index)"
            case .resumeWorker(let task): "resume \(task.unit.index)"
            case .stopWorker(let task): "stop \(task.unit.index)"
            case .killWorker(let task): "kill \(task.unit.index)"
            case .limitWorkers(let percent): "limit \(percent)"
            case .dropTask(let task): "drop \(task.unit.index)"
            case .dropBlob: "drop blob"
            case .keepBlobs: "keep blobs"
            case .say: nil
            case .exit: "exit"
            }
        }
    }
}
