import Bytes
import Domain
import FoundationEssentials
import SwiftProtobuf
import Testing
import Wire

/// A volunteer that speaks HTTP.
final class LiveVolunteer {
    let site: LiveSite
    let key = SigningKey()
    private(set) var host: UInt64 = 0
    var sequence: Int64 = 0
    private static let protobuf = "application/x-protobuf"

    /// - Parameter code: of the volunteer whom it joins; empty: it begins one.
    init(_ site: LiveSite, _ name: String, code: String = "") async throws {
        self.site = site
        let answer = try await LiveVolunteer.register(site, key, name, code: code)
        try #require(answer.status == 200, "\(answer.text)")
        host = try WireRegisterReply(serializedBytes: answer.body).hostID
    }

    static func register(
        _ site: LiveSite, _ key: SigningKey, _ name: String, code: String = ""
    ) async throws -> HTTPProbe.Answer {
        var request = WireRegisterRequest()
        request.publicKey = Data(key.publicKey.rawRepresentation)
        request.volunteerName = name
        request.linkCode = code
        request.profile = LiveVolunteer.profile
        let body: [UInt8] = try request.serializedBytes()
        let signed = RequestSignature.message(method: "POST", path: "/v1/register", sequence: 0, body: body)
        return try await site.probe.send(
            "POST", "/v1/register",
            ["Content-Type": protobuf, RequestSignature.signatureHeader: Hex.encode(key.sign(signed))], body: body)
    }

    /// What the account says, or the refusal.
    func account(_ action: WireAccountAction, host other: UInt64 = 0) async throws -> HTTPProbe.Answer {
        var request = WireAccountRequest()
        request.action = action
        request.hostID = other
        return try await post("/v1/account", try request.serializedBytes())
    }

    /// Another host of the same volunteer.
    func second() async throws -> LiveVolunteer {
        let answer = try await account(.accountLinkCode)
        try #require(answer.status == 200, "\(answer.text)")
        return try await LiveVolunteer(
            site, "", code: try WireAccountReply(serializedBytes: answer.body).linkCode)
    }

    func erase(sequence chosen: Int64? = nil) async throws -> HTTPProbe.Answer {
        var request = WireEraseRequest()
        request.publicKey = Data(key.publicKey.rawRepresentation)
        return try await post("/v1/erase", try request.serializedBytes(), sequence: chosen)
    }

    static let profile: WireHostProfileMessage = {
        var profile = WireHostProfileMessage()
        profile.name = "secret-host-name"
        profile.platform = "x86_64-linux"
        profile.cores = 2
        profile.memoryBytes = 8 << 30
        profile.diskFreeBytes = 100 << 30
        profile.benchmarkFlopsPerSecond = 1e10
        return profile
    }()

    private func sign(_ path: String, _ sequence: Int64, _ body: [UInt8]) -> String {
        Hex.encode(
            key.sign(RequestSignature.message(method: "POST", path: path, sequence: sequence, body: body)))
    }

    func request(_ reports: [WireTaskReportMessage] = [], want: UInt32 = 0) -> WireSchedulerRequest {
        var request = WireSchedulerRequest()
        request.profile = LiveVolunteer.profile
        request.reports = reports
        request.wantTasks = want
        request.wantSeconds = 1e6
        request.apps = ["sample-app/1"]
        return request
    }

    /// One scheduler call with the next number, or with one of the test's choice.
    func call(_ request: WireSchedulerRequest, sequence chosen: Int64? = nil) async throws -> HTTPProbe.Answer {
        try await post("/v1/scheduler", try request.serializedBytes(), sequence: chosen)
    }

    /// One signed request with the next number, or with one of the test's choice, also under another's name.
    func post(
        _ path: String, _ body: [UInt8], sequence chosen: Int64? = nil, as other: UInt64? = nil
    ) async throws -> HTTPProbe.Answer {
        if chosen == nil { sequence += 1 }
        let number = chosen ?? sequence
        return try await site.probe.send(
            "POST", path,
            [
                "Content-Type": LiveVolunteer.protobuf, RequestSignature.hostHeader: "\(other ?? host)",
                RequestSignature.sequenceHeader: "\(number)",
                RequestSignature.signatureHeader: sign(path, number, body),
            ], body: body)
    }

    func fetch(_ want: UInt32 = 8) async throws -> [WireTaskOffer] {
        let answer = try await call(request(want: want))
        try #require(answer.status == 200, "\(answer.text)")
        return try WireSchedulerReply(serializedBytes: answer.body).tasks
    }

    static func success(_ offer: WireTaskOffer, _ bytes: [UInt8], inline: Bool = true) -> WireTaskReportMessage {
        var report = WireTaskReportMessage()
        report.taskID = offer.taskID
        report.success.resultSha256 = Data(SHA256Hash.digest(of: bytes).bytes)
        report.success.resultBytes = UInt64(bytes.count)
        if inline { report.success.resultInline = Data(bytes) }
        report.success.cpuSeconds = 40
        report.success.wallSeconds = 43.2
        return report
    }

    /// Reports and checks the receipts' signature.
    func deliver(_ reports: [WireTaskReportMessage]) async throws -> [WireReceiptStatus] {
        let answer = try await call(request(reports))
        try #require(answer.status == 200, "\(answer.text)")
        let reply = try WireSchedulerReply(serializedBytes: answer.body)
        let receipts = [UInt8](reply.receipts)
        #expect(
            site.publicKey.isValid(
                signature: [UInt8](reply.receiptsSignature), for: ReceiptSignature.message(receipts: receipts)))
        return try WireReceipts(serializedBytes: receipts).receipts.map(\.status)
    }

    /// Uploads a result in chunks of `chunk` bytes. - Returns: the last status.
    func upload(_ offer: WireTaskOffer, _ bytes: [UInt8], chunk: Int) async throws -> Int {
        let path = "/v1/uploads/\(offer.uploadTicket)"
        let digest = SHA256Hash.digest(of: bytes).hex
        var status = 0
        var at = 0
        while at < bytes.count {
            let piece = Array(bytes[at..<min(at + chunk, bytes.count)])
            let answer = try await site.probe.send(
                "PATCH", path,
                ["Upload-Offset": "\(at)", "Upload-Length": "\(bytes.count)", "Upload-Digest": digest], body: piece)
            status = answer.status
            guard status < 300, let next = answer.fields["upload-offset"].flatMap({ Int($0) }), next > at else { break }
            at = next
        }
        return status
    }
}

extension LiveSite {
    /// Uploads the sample's input and submits it. - Returns: the batch's number.
    /// - Parameter inputIsThere: an earlier batch brought it.
    func submit(inputIsThere: Bool = false) async throws -> UInt64 {
        let data = Array("photons".utf8)
        let digest = SHA256Hash.digest(of: data)
        if !inputIsThere {
            let put = try await probe.send(
                "PATCH", "/v1/blobs/\(digest.hex)",
                admin.merging(
                    ["Upload-Offset": "0", "Upload-Length": "\(data.count)", "Upload-Digest": digest.hex]) { $1 },
                body: data)
            try #require(put.status == 201, "\(put.text)")
        }
        var request = WireSubmitRequest()
        request.manifest = FakeWorker.manifest
        var input = WireInputRef()
        input.name = "photons"
        input.sha256 = Data(digest.bytes)
        input.size = UInt64(data.count)
        input.packing = "plain"
        request.inputs = [input]
        let answer = try await probe.send(
            "POST", "/v1/batches", admin.merging(["Content-Type": "application/json"]) { $1 },
            body: try request.jsonUTF8Bytes())
        guard answer.status == 201 else { throw HTTPProbe.Failed(what: "submit: \(answer.status) \(answer.text)") }
        return try WireSubmitReply(jsonUTF8Bytes: answer.body).batchID
    }

    func status(_ batch: UInt64) async throws -> WireBatchStatus {
        let answer = try await probe.send("GET", "/v1/batches/\(batch)", admin)
        try #require(answer.status == 200, "\(answer.text)")
        return try WireBatchStatus(jsonUTF8Bytes: answer.body)
    }

    /// Looks until a condition holds; the server's own tick is what is waited for.
    func until(_ batch: UInt64, _ condition: (WireBatchStatus) -> Bool) async throws {
        try await LiveSite.eventually { condition(try await status(batch)) }
    }

    /// Asks until the answer is yes; an issue when it never is.
    static func eventually(_ condition: () async throws -> Bool) async throws {
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: LiveSite.patience)
        while clock.now < end {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("what was waited for never came")
    }
}
