import Bytes
import ClientSystem
import Domain
import Releases
import Wire

/// The admin interface of a server: one method per question. Calls block.
public struct ServerClient: Sendable {
    private let settings: ServerSettings
    private let transport: HTTPTransport
    private let pause: any Pause
    /// Told, in a line, why a person has to wait: a question is asked again.
    var notice: @Sendable (String) -> Void

    /// Seconds to wait before each new attempt after a broken connection.
    private static let retrySeconds = [0.3, 1.0, 3.0]
    private static let resultFileBytesMax = 1 << 30

    /// - Parameter notice: where to say that a question is asked again; see `CommandContext.remark`.
    public init(
        _ settings: ServerSettings, pause: any Pause = SystemPause(),
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.settings = settings
        self.pause = pause
        self.notice = notice
        transport = HTTPTransport(userAgent: "millrace")
    }

    public var url: String { settings.url }
    var isExposed: Bool { settings.isExposed }

    // MARK: - Questions

    func batches() throws(Fault) -> [WireBatchStatus] { try batchList().batches }

    /// All batches, and how the server's public log goes.
    func batchList() throws(Fault) -> WireBatchList {
        try ask("/v1/batches") { (answer, url) throws(Fault) in
            let list = try answer.message(WireBatchList.self, url: url)
            for batch in list.batches where batch.batchID == 0 { throw Self.foreign(url, "a batch without a number") }
            return list
        }
    }

    func batch(_ id: UInt64) throws(Fault) -> WireBatchStatus {
        try ask("/v1/batches/\(id)") { (answer, url) throws(Fault) in try Self.status(answer, url, of: id) }
    }

    func creditReport() throws(Fault) -> WireCreditReport {
        try ask("/v1/reports/credit") { (answer, url) throws(Fault) in
            try answer.message(WireCreditReport.self, url: url)
        }
    }

    /// - Parameter by: what the answer must be about.
    func creditExport(by: String, from: String?, to: String?) throws(Fault) -> WireCreditExport {
        let path = "/v1/exports/credit?by=\(by)" + (from.map { "&from=\($0)" } ?? "") + (to.map { "&to=\($0)" } ?? "")
        return try ask(path) { (answer, url) throws(Fault) in
            let export = try answer.message(WireCreditExport.self, url: url)
            guard export.by == by else { throw Self.foreign(url, "the answer is not credit by \(by)") }
            return export
        }
    }

    func trustReport(host: UInt64?) throws(Fault) -> WireTrustReport {
        try ask("/v1/reports/trust" + (host.map { "?host=\($0)" } ?? "")) { (answer, url) throws(Fault) in
            try answer.message(WireTrustReport.self, url: url)
        }
    }

    /// - Parameter batch, host: nil: all.
    func disagreementReport(batch: UInt64?, host: UInt64?, rows: UInt32) throws(Fault) -> WireDisagreementReport {
        var path = "/v1/reports/disagreements?rows=\(rows)"
        if let batch { path += "&batch=\(batch)" }
        if let host { path += "&host=\(host)" }
        return try ask(path) { (answer, url) throws(Fault) in
            let report = try answer.message(WireDisagreementReport.self, url: url)
            try Self.check(report.batchID, batch ?? 0, url)
            return report
        }
    }

    func validationReport(batch: UInt64, unit: UInt64?, disagreed: Bool) throws(Fault) -> WireValidationReport {
        var path = "/v1/reports/validation?batch=\(batch)"
        if let unit { path += "&unit=\(unit)" }
        if disagreed { path += "&only=disagreed" }
        return try ask(path) { (answer, url) throws(Fault) in
            let report = try answer.message(WireValidationReport.self, url: url)
            try Self.check(report.batchID, batch, url)
            return report
        }
    }

    private static func status(_ answer: HTTPResponse, _ url: String, of id: UInt64) throws(Fault) -> WireBatchStatus {
        let status = try answer.message(WireBatchStatus.self, url: url)
        try check(status.batchID, id, url)
        return status
    }

    /// An empty body is a message whose fields are all zero: the number tells an answer from nothing.
    private static func check(_ found: UInt64, _ wanted: UInt64, _ url: String) throws(Fault) {
        guard found == wanted else { throw foreign(url, "the answer is about batch \(found), not \(wanted)") }
    }

    private static func foreign(_ url: String, _ what: String) -> Fault {
        Fault(
            .protocolError, "\(url): \(what)",
            advice: "Is this the address of a Millrace server, and does no proxy answer in its place?")
    }

    // MARK: - Acts

    /// Sent once only: a second submission would be a second batch. On a connection of its own, since libcurl sends a
    /// request again by itself when a connection that it kept turns out to be dead.
    func submit(_ request: WireSubmitRequest) throws(Fault) -> WireSubmitReply {
        let body: [UInt8]
        do throws(WireError) { body = try StrictDecode.bytes(of: request) } catch {
            throw Fault(.software, "the submission cannot be encoded: \(error)")
        }
        let response = try send("POST", "/v1/batches", body: body, freshConnection: true)
        return try read(response, "/v1/batches") { (answer, url) throws(Fault) in
            let reply = try answer.message(WireSubmitReply.self, url: url)
            guard reply.batchID != 0 else { throw Self.foreign(url, "the answer names no batch") }
            return reply
        }
    }

    func cancel(_ id: UInt64) throws(Fault) -> WireBatchStatus {
        let path = "/v1/batches/\(id)/cancel"
        return try read(try retried { () throws(Fault) in try send("POST", path) }, path) {
            (answer, url) throws(Fault) in try Self.status(answer, url, of: id)
        }
    }

    /// Sent again after a broken connection: the same files once more change nothing.
    func publishReleases(_ bundle: ReleaseBundle) throws(Fault) {
        let path = "/v1/releases"
        let response = try retried { () throws(Fault) in try send("POST", path, body: bundle.bytes) }
        guard response.status == 204 else {
            if response.status >= 400 { throw explained(response.refusal(url: settings.url + path)) }
            throw Self.foreign(settings.url + path, "status \(response.status) for a publication")
        }
    }

    /// - Parameter progress: told how many bytes the server has.
    func upload(
        _ input: InputReference, from path: String, progress: (Int64) -> Void
    ) throws(Fault) {
        // Fewer and larger requests for what takes minutes anyway; a chunk is what is held in memory.
        let upload = BlobUpload(transport: transport, chunkBytes: input.size < 1 << 30 ? 4 << 20 : 16 << 20)
        let address = settings.url + "/v1/blobs/\(input.digest.hex)"
        try retried { () throws(Fault) in
            do throws(Fault) {
                try upload.send(
                    file: path, digest: input.digest, size: input.size, url: address, headers: headers,
                    progress: progress)
            } catch {
                throw explained(error)
            }
        }
    }

    /// A file of the answer, whole and of the announced length.
    func resultFile(_ name: String, of batch: UInt64) throws(Fault) -> [UInt8] {
        let path = "/v1/batches/\(batch)/results/\(Self.escaped(name))"
        let response = try retried { () throws(Fault) in
            var request = HTTPRequest(method: "GET", url: settings.url + path, headers: headers)
            request.responseBytesMax = Self.resultFileBytesMax
            request.timeoutSeconds = 3600
            return try transport.perform(request)
        }
        guard response.status == 200 else {
            if response.status >= 400 { throw explained(response.refusal(url: settings.url + path)) }
            throw Fault(.protocolError, "\(settings.url + path): status \(response.status) instead of the file")
        }
        if response.mediaType.isEmpty || response.mediaType == "text/html" && !name.lowercased().hasSuffix(".html") {
            let what = response.mediaType.isEmpty ? "something without a type" : "a web page"
            throw Self.foreign(settings.url + path, "this is \(what), not the file \(Printable.clean(name))")
        }
        if let length = response.headers["content-length"], Int(length) != response.body.count {
            throw Fault(
                .interrupted,
                "\(Printable.clean(name)): \(response.body.count) of \(Printable.clean(length)) bytes came",
                advice: "Run the command again.")
        }
        return response.body
    }

    // MARK: - HTTP

    private var headers: [HTTPHeader] {
        [
            HTTPHeader("Authorization", "Bearer \(settings.token)"),
            HTTPHeader("Accept", HTTPResponse.protobuf + ", application/json;q=0.5"),
        ]
    }

    private func ask<T>(_ path: String, _ decode: Decoding<T>) throws(Fault) -> T {
        try read(try retried { () throws(Fault) in try send("GET", path) }, path, decode)
    }

    private func send(
        _ method: String, _ path: String, body: [UInt8] = [], freshConnection: Bool = false
    ) throws(Fault) -> HTTPResponse {
        var request = HTTPRequest(
            method: method, url: settings.url + path, headers: headers, body: body, freshConnection: freshConnection)
        request.responseBytesMax = Limits.workerReplyBytesMax
        if !body.isEmpty { request.headers.append(HTTPHeader("Content-Type", HTTPResponse.protobuf)) }
        return try transport.perform(request)
    }

    /// Reads one type of message from an answer; the address is for messages to people.
    private typealias Decoding<T> = (_ answer: HTTPResponse, _ url: String) throws(Fault) -> T

    private func read<T>(_ response: HTTPResponse, _ path: String, _ decode: Decoding<T>) throws(Fault) -> T {
        if response.errorReply?.code == "wrong_state" {
            throw Fault(.negative, Printable.clean(response.refusal(url: "").message))
        }
        do throws(Fault) {
            // Of an error without a body not even its type means anything. A proxy says 502 to 504 for a server that
            // is away, which is no surprise.
            if response.body.isEmpty,
                response.status >= 400 && !(502...504).contains(response.status)
                    || response.mediaType != HTTPResponse.protobuf && response.status < 400
            {
                throw Self.foreign(settings.url + path, "status \(response.status) with an empty body")
            }
            return try decode(response, settings.url + path)
        } catch {
            throw explained(error)
        }
    }

    /// What the transport cannot know: which token, and where to get another.
    private func explained(_ fault: Fault) -> Fault {
        guard fault.kind == .refused, fault.advice == nil else { return fault }
        var fault = fault
        fault.advice = "Is this the token of the server at \(settings.url)? It is admin.token in its data folder."
        return fault
    }

    /// Tries again after a connection that broke; everything else is final.
    private func retried<T>(_ act: () throws(Fault) -> T) throws(Fault) -> T {
        for seconds in Self.retrySeconds {
            do throws(Fault) {
                return try act()
            } catch {
                guard error.kind == .interrupted else { throw error }
                notice("\(Printable.clean(error.message)); trying again in \(Amounts.seconds(seconds))")
            }
            pause.wait(seconds: seconds)
        }
        return try act()
    }

    /// A name as one segment of a path.
    private static func escaped(_ name: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in name.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: bytes.append(byte)
            default: bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
