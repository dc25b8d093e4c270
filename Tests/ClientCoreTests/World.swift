import Bytes
import ClientCore
import Domain
import Foundation
import Wire

/// A client with a disk, and a server, small enough to stop after every single action.
///
/// The disk survives a crash; everything else does not. The server is honest, but its replies can be lost.
struct World {
    struct Slot {
        var offer: Offer?
        var unit: [UInt8]?
        var result: [UInt8]?
    }

    let project: Project
    let settings: ClientSettings
    let units: [TaskID: [UInt8]]
    var now = Timestamp(seconds: 1_800_000_000)

    // The disk.
    var savedState: [UInt8]?
    var slots: [TaskID: Slot] = [:]

    // The server.
    var assigned: Set<TaskID> = []
    var uploads: [Digest: [UInt8]] = [:]
    /// Results that the server has acknowledged.
    var received: [TaskID: Digest] = [:]
    var serverSequence: Int64 = 0

    // The client's process.
    var machine: ClientMachine?
    var events: [ClientEvent] = []

    /// Actions done so far; a crash comes just before this one.
    var actionCount = 0
    var crashAt: Int?
    /// Each reply with this number is lost after the server has acted on it.
    var lostReply: Int?
    var callCount = 0
    var crashed = false
    /// What must never happen, if it did.
    var violations: [String] = []
    var runs: [TaskID: Int] = [:]
    /// What the client keeps of the project's words.
    var kept: [SignedReceipts] = []

    init(project: Project, tasks: Int, crashAt: Int?, lostReply: Int? = nil) throws {
        self.project = project
        settings = project.settings(cores: 2)
        var units: [TaskID: [UInt8]] = [:]
        for index in 0..<tasks {
            let task = project.task(Int64(index))
            units[task] = try project.container(task)
        }
        self.units = units
        self.crashAt = crashAt
        self.lostReply = lostReply
    }

    /// What a worker makes of a task: every second result is too large for a report.
    static func result(_ task: TaskID) -> [UInt8] {
        [UInt8](repeating: UInt8(task.unit.index + 1), count: task.unit.index % 2 == 0 ? 100 : 70_000)
    }

    var isFinished: Bool { received.count == units.count && slots.isEmpty && machine?.state.tasks.isEmpty == true }

    mutating func run(steps: Int = 400) {
        boot()
        for _ in 0..<steps where !isFinished {
            now = now + TimeSpan(seconds: 1)
            if events.isEmpty { events.append(.tick) }
            feed(events.removeFirst())
        }
    }

    /// A new process: knows only what is on disk.
    private mutating func boot() {
        events = []
        let state: ClientState
        if let savedState {
            do throws(Fault) { state = try StateFile.decode(savedState) } catch {
                violations.append("the state on disk is damaged")
                return
            }
        } else {
            state = ClientState(attachment: project.attachment)
        }
        machine = ClientMachine(state: state, settings: settings, machineCores: 2, now: now)
        let findings = slots.keys.sorted().map { task in
            SlotFinding(
                task: task, offer: slots[task]?.offer, unit: slots[task]?.unit,
                result: slots[task]?.result.map {
                    ResultSummary(digest: SHA256Hash.digest(of: $0), bytes: Int64($0.count), fingerprint: "cpu")
                })
        }
        feed(.started(slots: findings, blobs: []))
    }

    private mutating func feed(_ event: ClientEvent) {
        guard let actions = machine?.handle(event, now: now, random: 0.5) else { return }
        for action in actions {
            if actionCount == crashAt, !crashed {
                crashed = true
                boot()
                return
            }
            actionCount += 1
            perform(action)
        }
    }

    private mutating func perform(_ action: ClientAction) {
        switch action {
        case .storeTask(let offer, let unit):
            slots[offer.task, default: Slot()].offer = offer
            slots[offer.task]?.unit = unit
        case .save:
            guard let state = machine?.state else { return }
            savedState = try? StateFile.encode(state)
        case .call(let call): answer(call)
        case .fetchUnit(let task, _, _): events.append(.unitFetched(task, units[task] ?? []))
        case .startWorker(let task): start(task)
        case .upload(let task, let summary, _):
            if let bytes = slots[task]?.result { uploads[summary.digest] = bytes }
            events.append(.uploaded(task))
        case .dropTask(let task):
            if slots[task]?.result != nil, received[task] == nil { violations.append("\(task) was lost") }
            slots[task] = nil
        case .keepReceipts(let receipts): kept.append(receipts)
        case .fetchBlob, .findProgram, .suspendWorker, .resumeWorker, .stopWorker, .killWorker, .limitWorkers,
            .dropBlob,
            .keepBlobs, .say, .exit:
            break
        }
    }

    private mutating func start(_ task: TaskID) {
        if slots[task]?.unit == nil { violations.append("\(task) was started without its unit") }
        if slots[task]?.result != nil { violations.append("\(task) was computed again although its result is here") }
        runs[task, default: 0] += 1
        events.append(.workerStarted(task))
        let bytes = Self.result(task)
        slots[task, default: Slot()].result = bytes
        let summary = ResultSummary(
            digest: SHA256Hash.digest(of: bytes), bytes: Int64(bytes.count), fingerprint: "cpu")
        events.append(.workerEnded(task, Driver.ending(0, result: summary)))
    }

    private mutating func answer(_ call: SchedulerCall) {
        callCount += 1
        guard call.sequence > serverSequence else {
            events.append(.callFailed(.stale(sequence: serverSequence)))
            return
        }
        serverSequence = call.sequence
        let receipts = call.request.reports.map { report -> WireReceipt in
            let task = TaskID(rawValue: Int64(report.taskID))
            guard let digest = Digest(bytes: report.success.resultSha256) else {
                violations.append("\(task) was reported as failed: \(report.failure.message)")
                return project.receipt(task, nil)
            }
            let inline = call.inlineResults.contains(task) ? slots[task]?.result : nil
            guard let bytes = inline ?? uploads[digest], SHA256Hash.digest(of: bytes) == digest else {
                return project.receipt(task, digest, .receiptResultMissing)
            }
            let isNew = received[task] == nil
            received[task] = digest
            return project.receipt(task, digest, isNew ? .receiptAccepted : .receiptDuplicate)
        }
        let held = Set(call.request.heldTasks.map { TaskID(rawValue: Int64($0)) })
        let lost = assigned.subtracting(held).filter { received[$0] == nil }
        let fresh = units.keys.sorted().filter { !assigned.contains($0) }.prefix(Int(call.request.wantTasks))
        assigned.formUnion(fresh)
        let offers = (lost + fresh).sorted().map { task in
            // Every third container must be fetched.
            project.offer(task, unit: units[task] ?? [], inline: task.unit.index % 3 != 2)
        }
        if callCount == lostReply {
            events.append(.callFailed(.failed("the connection broke")))
        } else {
            events.append(.callAnswered(project.reply(offers: offers, receipts: receipts)))
        }
    }
}
