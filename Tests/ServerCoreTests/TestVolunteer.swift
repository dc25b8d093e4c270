import Bytes
import Domain
import FoundationEssentials
import ServerCore
import Storage
import SwiftProtobuf
import Testing
import Wire

/// A host that speaks the real messages.
final class TestVolunteer {
    let site: TestSite
    let key = SigningKey()
    let name: String
    let host: HostID
    var sequence: Int64 = 0
    /// What it holds and has not reported.
    var held: [WireTaskOffer] = []
    /// What it answers for a unit; nil: a failure.
    var profile = TestVolunteer.profile
    var says: (WorkUnitID) -> String? = { "true \($0)" }

    /// - Parameter code: of the volunteer whom it joins; nil: it begins one.
    init(_ site: TestSite, _ name: String, code: String? = nil) throws {
        self.site = site
        self.name = name
        var request = WireRegisterRequest()
        request.linkCode = code ?? ""
        request.publicKey = Data(key.publicKey.rawRepresentation)
        request.volunteerName = name
        request.profile = TestVolunteer.profile
        let body = [UInt8](try request.serializedData())
        let signed = RequestSignature.message(method: "POST", path: "/v1/register", sequence: 0, body: body)
        let call = try site.core.checkRegister(
            request, body: body, path: "/v1/register", signature: key.sign(signed))
        let reply = try site.store.transaction { tx in try site.core.register(call, in: tx, now: site.now) }.get()
        host = HostID(rawValue: Int64(reply.hostID))
    }

    /// Another host of the same volunteer.
    func second() throws -> TestVolunteer {
        try TestVolunteer(site, name, code: try ask(.accountLinkCode).get().linkCode)
    }

    /// One account request with the next number, or with one of the test's choice.
    func ask(
        _ action: WireAccountAction, team: String = "", host other: HostID? = nil, sequence chosen: Int64? = nil
    ) throws -> Result<WireAccountReply, RequestRefusal> {
        var request = WireAccountRequest()
        request.action = action
        request.teamName = team
        request.hostID = UInt64(other?.rawValue ?? 0)
        if chosen == nil { sequence += 1 }
        let call = try site.core.checkAccount(request) { site.drawLinkCode() }
        return try site.store.transaction { tx in
            try site.core.account(call, host: host, sequence: chosen ?? sequence, in: tx, now: site.now)
        }
    }

    static let profile: WireHostProfileMessage = {
        var profile = WireHostProfileMessage()
        profile.name = "host"
        profile.platform = "x86_64-linux"
        profile.cores = 2
        profile.memoryBytes = 8 << 30
        profile.diskFreeBytes = 100 << 30
        profile.benchmarkFlopsPerSecond = 1e10
        profile.clientVersion = "test"
        return profile
    }()

    func request(reports: [WireTaskReportMessage] = [], want: UInt32 = 0) -> WireSchedulerRequest {
        var request = WireSchedulerRequest()
        request.profile = profile
        request.heldTasks = held.map(\.taskID)
        request.reports = reports
        request.wantTasks = want
        request.wantSeconds = 1e6
        request.apps = ["sample-app/1"]
        return request
    }

    /// One call with the next number. - Returns: the reply, or the refusal.
    func call(_ request: WireSchedulerRequest) throws -> Result<WireSchedulerReply, RequestRefusal> {
        sequence += 1
        return try send(request, sequence: sequence)
    }

    func send(
        _ request: WireSchedulerRequest, sequence: Int64
    ) throws -> Result<WireSchedulerReply, RequestRefusal> {
        let call = try site.core.checkScheduler(request, now: site.now)
        let wanted = try site.store.transaction { tx in
            try site.core.wantedInline(call, host: host, sequence: sequence, in: tx)
        }
        try site.core.storeInline(call, wanted)
        let outcome = try site.store.transaction { tx in
            try site.core.schedule(
                call, host: host, sequence: sequence, sentLastDay: 0, in: tx, now: site.now)
        }
        switch outcome {
        case .success(let outcome): return .success(site.core.finish(outcome))
        case .failure(let refusal): return .failure(refusal)
        }
    }

    /// Asks for work and keeps it.
    func fetch(_ want: UInt32 = 64) throws {
        let reply = try call(request(want: want)).get()
        for task in reply.tasks where !held.contains(where: { $0.taskID == task.taskID }) { held.append(task) }
        held.removeAll { reply.abortTasks.contains($0.taskID) }
    }

    func report(_ offer: WireTaskOffer) -> WireTaskReportMessage {
        var report = WireTaskReportMessage()
        report.taskID = offer.taskID
        let task = TaskID(rawValue: Int64(offer.taskID))
        if let text = says(task.unit) {
            let bytes = Array(text.utf8)
            report.success.resultSha256 = Data(SHA256Hash.digest(of: bytes).bytes)
            report.success.resultBytes = UInt64(bytes.count)
            report.success.resultInline = Data(bytes)
            report.success.cpuSeconds = 40
            report.success.wallSeconds = 43.2
            report.success.fingerprint = "test"
        } else {
            report.failure.code = 3
            report.failure.message = "worker ended\u{1B}[31m with 1"
        }
        return report
    }

    /// Reports everything it holds; lets go of what got a final receipt.
    @discardableResult
    func deliver() throws -> [WireReceipt] {
        let reply = try call(request(reports: held.map(report))).get()
        let receipts = try checkedReceipts(reply)
        let kept = Set(receipts.filter { $0.status == .receiptResultMissing }.map(\.taskID))
        let answered = Set(receipts.map(\.taskID))
        held.removeAll { answered.contains($0.taskID) && !kept.contains($0.taskID) }
        return receipts
    }

    func checkedReceipts(_ reply: WireSchedulerReply) throws -> [WireReceipt] {
        if reply.receipts.isEmpty { return [] }
        let bytes = [UInt8](reply.receipts)
        #expect(
            site.core.keys.project.publicKey.isValid(
                signature: [UInt8](reply.receiptsSignature), for: ReceiptSignature.message(receipts: bytes)))
        let receipts = try WireReceipts(serializedBytes: bytes)
        #expect(receipts.hostID == UInt64(host.rawValue))
        return receipts.receipts
    }
}
