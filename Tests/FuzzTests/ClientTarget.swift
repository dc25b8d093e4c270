import Bytes
import ClientCore
import Domain
import Foundation
import SwiftProtobuf
import Wire

/// A client with tasks in every stage, fed with a changed reply of its server and with what may follow.
///
/// Promises: a finished result is given up only for a receipt that the project's key signed for this host and this
/// task; whatever the reply says, its state can be saved and read again; and the machine goes on.
struct ClientTarget: FuzzTarget {
    static let name = "client"
    let mutator: Mutator
    private let key: SigningKey
    private let base: ClientMachine
    private let finished: [TaskID]
    private let now = Timestamp(seconds: 1_800_000_100)
    private let receipts: WireReceipts
    /// A work unit that the client does not hold yet.
    private let unit: [UInt8]

    init() throws {
        guard let key = SampleMessages.key else { throw BrokenPromise("no key") }
        self.key = key
        let tasks = (0..<5).map { TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 1), index: Int64($0)), ordinal: 0) }
        let offers = try tasks.map { task in
            let unit = try UnitContainer.encode(SampleMessages.unitBody(task.unit), key: key)
            return SampleMessages.filled(WireTaskOffer.self) {
                $0 = SampleMessages.offer
                $0.taskID = UInt64(task.rawValue)
                $0.unitSha256 = Data(SHA256Hash.digest(of: unit).bytes)
                $0.unitBytes = UInt64(unit.count)
                $0.unitInline = Data(unit)
            }
        }
        base = Self.machine(tasks, offers, key, now)
        finished = base.state.tasks.filter { if case .finished = $0.stage { true } else { false } }.map(\.id)
        guard finished.count == 2, base.state.tasks.count == 4 else {
            throw BrokenPromise("the client begins with \(base.state.tasks)")
        }
        unit = [UInt8](offers[4].unitInline)
        let digest = Data(SHA256Hash.digest(of: [1]).bytes)
        receipts = SampleMessages.filled(WireReceipts.self) { all in
            all.hostID = 7
            all.receipts = tasks.prefix(3).map { task in
                SampleMessages.filled(WireReceipt.self) {
                    $0.taskID = UInt64(task.rawValue)
                    $0.resultSha256 = digest
                    $0.status = .receiptAccepted
                }
            }
        }
        // Those that it holds come without their units, as small as can be.
        let short = offers.map { offer in
            SampleMessages.filled(WireTaskOffer.self) {
                $0 = offer
                if offer.taskID != offers[4].taskID { $0.unitInline = Data() }
            }
        }
        let signed = try Self.reply(short, receipts.serializedBytes(), key)
        var plain = signed
        plain.receipts = Data()
        plain.abortTasks = tasks.map { UInt64($0.rawValue) }
        mutator = Mutator(seeds: try [signed, plain].map { (try $0.serializedBytes(), .message) })
    }

    /// Two finished tasks, a running one, one that waits; the fifth was never taken.
    private static func machine(
        _ tasks: [TaskID], _ offers: [WireTaskOffer], _ key: SigningKey, _ now: Timestamp
    ) -> ClientMachine {
        var settings = ClientSettings(cores: 2, apps: ["sample-app/1"], profile: profile)
        settings.idle.always = true
        let attachment = ClientState.Attachment(
            serverURL: "http://127.0.0.1:1", site: "Fuzz", projectKey: key.publicKey.rawRepresentation,
            host: HostID(rawValue: 7), volunteerName: "Ada")
        var machine = ClientMachine(
            state: ClientState(attachment: attachment), settings: settings, machineCores: 4, now: now)
        func send(_ event: ClientEvent) { _ = machine.handle(event, now: now, random: 0.5) }
        send(.started(slots: [], blobs: []))
        var reply = WireSchedulerReply()
        reply.tasks = Array(offers.prefix(4))
        send(.callAnswered(reply))
        send(.blobFetched(Digest(bytes: SampleMessages.digest) ?? SHA256Hash.digest(of: [])))
        for (task, bytes) in zip(tasks, [Int64(100), 70_000]) {
            send(.workerStarted(task))
            send(
                .workerEnded(
                    task, ending(ResultSummary(digest: SHA256Hash.digest(of: [1]), bytes: bytes, fingerprint: "f"))))
        }
        send(.workerStarted(tasks[2]))
        return machine
    }

    private static let profile = HostProfile(
        name: "host", platform: "x86_64-linux", cpuModel: "cpu", cores: 2, memoryBytes: 1 << 33,
        diskFreeBytes: 1 << 40, benchmarkFlopsPerSecond: 4e9, clientVersion: "test")

    private static func ending(_ result: ResultSummary?) -> WorkerEnding {
        WorkerEnding(
            code: 0, reason: "exit code 0", lastWords: "", cpuSeconds: 5,
            progress: WorkerProgress(fraction: 1, used: Usage(), peakMemoryBytes: 1), result: result)
    }

    private static func reply(_ offers: [WireTaskOffer], _ receipts: [UInt8], _ key: SigningKey) -> WireSchedulerReply {
        SampleMessages.filled(WireSchedulerReply.self) {
            $0.tasks = offers
            $0.receipts = Data(receipts)
            $0.receiptsSignature = Data(key.sign(ReceiptSignature.message(receipts: receipts)))
            $0.nextCallSeconds = 2
            $0.serverTimeMs = 1_800_000_000_000
            $0.creditMicrocobblestones = 7
        }
    }

    mutating func feed(_ message: [UInt8], _ random: inout SeededGenerator) throws -> Bool {
        guard var reply = try? StrictDecode.message(WireSchedulerReply.self, from: message, limit: Limits.rpcBytesMax)
        else { return false }
        var believed: [UInt64] = []
        switch random.nextIndex(below: 8) {
        case 0:
            // Changed receipts under a right signature.
            let inner = Mutator(seeds: [(try receipts.serializedBytes(), .message)]).next(&random)
            reply.receipts = Data(inner)
            reply.receiptsSignature = Data(key.sign(ReceiptSignature.message(receipts: inner)))
            believed = tasks(in: inner)
        case 1: believed = isGenuine(reply) ? tasks(in: [UInt8](reply.receipts)) : []
        case 2:
            reply.receipts = Data()
            offer(changedUnit(&random), in: &reply)
        // Signatures take longer than all the rest: mostly without.
        default: reply.receipts = Data()
        }
        var machine = base
        var actions = machine.handle(.callAnswered(reply), now: now, random: random.nextUnit())
        try check(machine, actions, believed)
        for _ in 0..<3 {
            let event = self.event(reply, &random)
            let later = now + TimeSpan(seconds: random.oneOf([-1e6, 0, 1, 3600, 1e9]))
            actions += machine.handle(event, now: later, random: random.nextUnit())
        }
        try check(machine, actions, believed)
        if random.nextIndex(below: 64) == 0 {
            let bytes = try StateFile.encode(machine.state)
            guard try StateFile.decode(bytes) == machine.state else { throw BrokenPromise("the state changes on disk") }
        }
        return true
    }

    /// A work unit that the project signed, whatever it says.
    private func changedUnit(_ random: inout SeededGenerator) -> [UInt8] {
        let body = ProtobufMutation.change(Array(unit[16..<unit.count - 64]), unit, &random)
        return Mutator.wrapped(body, header: Array(unit[0..<8]), key: key)
    }

    private func offer(_ unit: [UInt8], in reply: inout WireSchedulerReply) {
        var offer = SampleMessages.offer
        offer.taskID = UInt64(TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 1), index: 4), ordinal: 0).rawValue)
        offer.unitSha256 = Data(SHA256Hash.digest(of: unit).bytes)
        offer.unitBytes = UInt64(unit.count)
        offer.unitInline = Data(unit)
        reply.tasks.insert(offer, at: 0)
    }

    private func isGenuine(_ reply: WireSchedulerReply) -> Bool {
        !reply.receipts.isEmpty
            && key.publicKey.isValid(
                signature: [UInt8](reply.receiptsSignature),
                for: ReceiptSignature.message(receipts: [UInt8](reply.receipts)))
    }

    /// Tasks that receipts for this host name, read apart from the client's own code.
    private func tasks(in bytes: [UInt8]) -> [UInt64] {
        guard let all = try? WireReceipts(serializedBytes: bytes), all.hostID == 7 else { return [] }
        return all.receipts.map(\.taskID)
    }

    private func check(_ machine: ClientMachine, _ actions: [ClientAction], _ believed: [UInt64]) throws {
        for task in finished where !believed.contains(UInt64(task.rawValue)) {
            guard case .finished? = machine.state[task: task]?.stage else {
                throw BrokenPromise("the finished result of \(task) is given up without a receipt")
            }
            for case .dropTask(task) in actions { throw BrokenPromise("the folder of \(task) is removed") }
        }
        guard machine.state.tasks.count <= Limits.heldTasksPerRequestMax else {
            throw BrokenPromise("holds \(machine.state.tasks.count) tasks")
        }
        if let problem = machine.problem, problem.unicodeScalars.contains(where: { $0.value < 0x20 }) {
            throw BrokenPromise("a problem with control characters")
        }
    }

    /// Something that may happen next, mostly to a task of the reply.
    private func event(_ reply: WireSchedulerReply, _ random: inout SeededGenerator) -> ClientEvent {
        let numbers = reply.tasks.map(\.taskID) + base.state.tasks.map { UInt64($0.id.rawValue) }
        let task = TaskID(rawValue: Int64(clamping: random.oneOf(numbers)))
        switch random.nextIndex(below: 8) {
        case 0: return .unitFetched(task, reply.tasks.first.map { [UInt8]($0.unitInline) } ?? [])
        case 1: return .unitFetchFailed(task, .temporary("no"))
        case 2: return .workerStarted(task)
        case 3: return .callFailed(.stale(sequence: Int64(clamping: reply.serverTimeMs)))
        case 4: return .callFailed(.refused(reply.noWorkReasons.first ?? "no"))
        case 5: return .uploadFailed(task, .permanent("no"))
        case 6: return .callAnswered(reply)
        default: return .tick
        }
    }
}

extension TaskID {
    static func ~= (pattern: TaskID, value: TaskID) -> Bool { pattern == value }
}
