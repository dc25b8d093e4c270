import Bytes
import Domain
import FoundationEssentials
import ServerCore
import Storage
import SwiftProtobuf
import Testing
import Wire

@Suite("Fields, tickets, registration")
struct EdgeCaseTests {
    private let site: TestSite

    init() throws {
        site = try TestSite()
    }

    @Test("Fields out of bounds are refused by name")
    func badFields() throws {
        let ada = try TestVolunteer(site, "Ada")
        let cases: [(String, (inout WireSchedulerRequest) -> Void)] = [
            ("want_seconds", { $0.wantSeconds = .nan }),
            ("want_seconds", { $0.wantSeconds = -1 }),
            ("queued_seconds", { $0.queuedSeconds = .infinity }),
            ("availability", { $0.availability = 1.5 }),
            ("held_tasks", { $0.heldTasks = [UInt64](repeating: 64, count: Limits.heldTasksPerRequestMax + 1) }),
            ("held_tasks", { $0.heldTasks = [.max] }),
            ("reports", { $0.reports = [WireTaskReportMessage()] }),
            ("profile.cores", { $0.profile.cores = 0 }),
            ("profile.name", { $0.profile.name = "a\u{7}b" }),
            ("apps", { $0.apps = ["x\n"] }),
        ]
        for (field, spoil) in cases {
            var request = ada.request(want: 1)
            spoil(&request)
            let refusal = try #require(throws: RequestRefusal.self) {
                try site.core.checkScheduler(request, now: site.now)
            }
            #expect(refusal.code.status == 400 && refusal.message.contains(field), "\(refusal)")
        }
    }

    @Test("Tasks whose reply was lost are sent again in place of new ones, not beside them")
    func lostReply() throws {
        let ada = try TestVolunteer(site, "Ada")
        _ = try site.submit()
        try site.work()
        try ada.fetch(2)
        let lost = ada.held.map(\.taskID)
        try #require(lost.count == 2)
        ada.held = []
        #expect(try ada.call(ada.request(want: 2)).get().tasks.map(\.taskID) == lost)
        var more = ada.request(want: 3)
        more.wantSeconds = 0
        #expect(try ada.call(more).get().tasks.count == 3)
        // Those three fill as many seconds as it wants.
        more.wantSeconds = 1e-3
        more.wantTasks = 64
        #expect(try ada.call(more).get().tasks.count == 3)
    }

    @Test("An inline result that is not what it says is missing, and spoils nothing else")
    func inlineHash() throws {
        let ada = try TestVolunteer(site, "Ada")
        _ = try site.submit()
        try site.work()
        try ada.fetch(2)
        try #require(ada.held.count == 2)
        var damaged = ada.report(ada.held[0])
        damaged.success.resultInline[0] ^= 1
        let reply = try ada.call(ada.request(reports: [damaged, ada.report(ada.held[1])])).get()
        let receipts = try ada.checkedReceipts(reply)
        #expect(receipts.map(\.status) == [.receiptResultMissing, .receiptAccepted])
    }

    @Test("A request number at the end of all numbers is refused, and costs the host nothing")
    func lastSequence() throws {
        let ada = try TestVolunteer(site, "Ada")
        for sequence in [Int64.max, Limits.sequenceMax + 1] {
            guard case .failure(let refusal) = try ada.send(ada.request(), sequence: sequence) else {
                Issue.record("\(sequence) was taken")
                continue
            }
            #expect(refusal.code == .badRequest)
        }
        _ = try ada.send(ada.request(), sequence: Limits.sequenceMax).get()
        guard case .failure(let refusal) = try ada.send(ada.request(), sequence: 5) else {
            Issue.record("a replay was taken")
            return
        }
        #expect(refusal.code == .staleSequence)
    }

    @Test(
        "Names with control characters or marks that turn the line around are refused",
        arguments: [
            "", "   ", "a\nb", "\u{202E}abc", "x\u{0}", String(repeating: "n", count: 65),
        ])
    func badNames(name: String) throws {
        #expect(throws: RequestRefusal.self) { try TestVolunteer(site, name) }
    }

    @Test("Names of people everywhere are welcome", arguments: ["Ada", "Zoë", "李雷", "O'Brien <ob>", "👩‍🔬"])
    func goodNames(name: String) throws {
        let volunteer = try TestVolunteer(site, name)
        #expect(volunteer.host.rawValue == 1)
    }

    @Test("Registering again with the same key gives the same host; a foreign signature is refused")
    func registration() throws {
        let key = SigningKey()
        var request = WireRegisterRequest()
        request.publicKey = Data(key.publicKey.rawRepresentation)
        request.volunteerName = "Ada"
        request.profile = TestVolunteer.profile
        let body = [UInt8](try request.serializedData())
        let message = RequestSignature.message(method: "POST", path: "/v1/register", sequence: 0, body: body)
        let call = try site.core.checkRegister(
            request, body: body, path: "/v1/register", signature: key.sign(message))
        let replies = try (0..<2).map { _ in
            try site.store.transaction { try site.core.register(call, in: $0, now: site.now).get() }
        }
        #expect(replies[0].hostID == replies[1].hostID)
        let foreign = SigningKey().sign(message)
        let refusal = try #require(throws: RequestRefusal.self) {
            try site.core.checkRegister(request, body: body, path: "/v1/register", signature: foreign)
        }
        #expect(refusal.code == .badSignature)
    }

    @Test("A ticket is good for its task until it expires, and no other text is a ticket")
    func tickets() throws {
        _ = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        try ada.fetch(1)
        let text = ada.held[0].uploadTicket
        let ticket = try site.core.uploadTicket(text, now: site.now)
        #expect(ticket.host == ada.host && site.core.keys.number(of: ticket.task) == ada.held[0].taskID)
        #expect(ticket.bytesMax == 1 << 16)
        for at in [0, 40, 127] {
            var digits = Array(text)
            digits[at] = digits[at] == "0" ? "1" : "0"
            #expect(throws: RequestRefusal.self) { try site.core.uploadTicket(String(digits), now: site.now) }
        }
        for wrong in ["", "../../etc/passwd", String(text.dropLast()), text + "0"] {
            #expect(throws: RequestRefusal.self) { try site.core.uploadTicket(wrong, now: site.now) }
        }
        let late = ticket.expires + TimeSpan(milliseconds: 1)
        #expect(throws: RequestRefusal.self) { try site.core.uploadTicket(text, now: late) }
        let other = try TestSite(key: SigningKey())
        #expect(throws: RequestRefusal.self) { try other.core.uploadTicket(text, now: site.now) }
    }

    @Test("A submission needs exactly the inputs of its manifest, and their blobs")
    func submission() throws {
        var request = WireSubmitRequest()
        request.inputs = [WireInputRef(site.input)]
        #expect(try site.core.checkSubmit(request, spec: site.spec, now: site.now).get() == [site.input])
        let cases: [(RefusalCode, (inout WireSubmitRequest) -> Void)] = [
            (.missingInput, { $0.inputs = [] }),
            (.missingInput, { $0.inputs[0].size += 1 }),
            (.missingInput, { $0.inputs[0].sha256 = Data([UInt8](repeating: 7, count: 32)) }),
            (.badRequest, { $0.inputs[0].packing = "table" }),
            (.badRequest, { $0.inputs[0].sha256 = Data([1]) }),
            (.badRequest, { $0.inputs.append($0.inputs[0]) }),
        ]
        for (code, spoil) in cases {
            var spoiled = request
            spoil(&spoiled)
            let result = try site.core.checkSubmit(spoiled, spec: site.spec, now: site.now)
            let refusal = try #require(throws: RequestRefusal.self) { try result.get() }
            #expect(refusal.code == code, "\(refusal)")
        }
    }

    @Test("A task that fits nobody does not hide the others")
    func noHiding() throws {
        let site = try TestSite(units: 12) { $0.candidatesFirst = 4 }
        _ = try site.submit()
        try site.work()
        let ada = try TestVolunteer(site, "Ada")
        var request = ada.request(want: 1)
        request.profile.memoryBytes = 1
        let none = try ada.call(request).get()
        #expect(none.tasks.isEmpty && !none.noWorkReasons.isEmpty)
        #expect(try ada.call(ada.request(want: 1)).get().tasks.count == 1)
    }
}
