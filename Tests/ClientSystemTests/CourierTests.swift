import Bytes
import ClientCore
import ClientSystem
import Domain
import Glibc
import Synchronization
import Testing
import Wire
import WorkerHost

@Suite("What the courier brings back")
struct CourierTests {
    static let task = TaskID(rawValue: 64)

    static func courier(_ url: String, _ folder: TemporaryFolder) throws -> (Courier, Mailbox<ClientEvent>) {
        let mailbox = Mailbox<ClientEvent>()
        let courier = Courier(
            link: ServerLink(transport: TransportTests.transport(), serverURL: url),
            directory: try ProjectDirectory(path: folder.path), host: HostID(rawValue: 1), key: SigningKey(),
            mailbox: mailbox.postbox)
        return (courier, mailbox)
    }

    /// The first event, in words.
    static func event(_ mailbox: Mailbox<ClientEvent>) -> String {
        switch mailbox.take(waitSeconds: 300).first {
        case .unitFetched(_, let bytes): "unit of \(bytes.count)"
        case .unitFetchFailed(_, .temporary), .blobFetchFailed(_, .temporary), .uploadFailed(_, .temporary): "temporary"
        case .unitFetchFailed(_, .permanent(let why)): "permanent: \(why)"
        case .blobFetchFailed(_, .permanent), .uploadFailed(_, .permanent): "permanent"
        case .blobFetched: "blob"
        case .uploaded: "uploaded"
        case .resultDamaged: "damaged"
        case .callAnswered, .callFailed: "call"
        default: "something else"
        }
    }

    static let units: [(type: String, bytes: Int, event: String)] = [
        ("application/octet-stream", 100, "unit of 100"),
        ("application/octet-stream", 101, "permanent: the container has more than the 100 bytes that were announced"),
        ("text/html; charset=utf-8", 100, "temporary"), ("Text/HTML", 5, "temporary"),
        ("text/html", 5000, "temporary"),
    ]

    @Test("A unit is as long as announced; a web page in its place passes by", arguments: units)
    func unit(type: String, bytes: Int, event: String) throws {
        let folder = try TemporaryFolder()
        let server = try TinyServer { _ in
            .respond(200, headers: ["Content-Type": type], body: [UInt8](repeating: 1, count: bytes))
        }
        let (courier, mailbox) = try Self.courier(server.url, folder)
        courier.fetchUnit(Self.task, SHA256Hash.digest(of: []), bytes: 100)
        #expect(Self.event(mailbox) == event)
    }

    @Test("A result whose file is gone ends, whether it is to be uploaded or reported")
    func goneResult() throws {
        let folder = try TemporaryFolder()
        let server = try TinyServer { request in
            request.method == "HEAD" ? .respond(204, headers: ["Upload-Offset": "0"]) : .respond(404)
        }
        let (courier, mailbox) = try Self.courier(server.url, folder)
        let result = ResultSummary(digest: SHA256Hash.digest(of: [1]), bytes: 1, fingerprint: "")
        courier.upload(Self.task, result, ticket: "t")
        #expect(Self.event(mailbox) == "damaged")
        var request = WireSchedulerRequest()
        request.reports = [WireTaskReportMessage()]
        request.reports[0].taskID = UInt64(Self.task.rawValue)
        request.reports[0].success.resultBytes = 1
        courier.call(SchedulerCall(request: request, sequence: 1, inlineResults: [Self.task]))
        #expect(Self.event(mailbox) == "damaged")
    }

    @Test("A folder that is gone here is not taken for a blob that the server lacks")
    func localFolder() throws {
        let kind = TransportTests.kind { () throws(Fault) in
            try BlobDownload(transport: TransportTests.transport()).fetch(
                url: "http://127.0.0.1:1/", digest: SHA256Hash.digest(of: [1]), size: 1, to: "/no/such/folder/blob")
        }
        #expect(kind == .interrupted)
    }

    @Test("Downloads that hang do not keep a result from being uploaded")
    func uploadsPassDownloads() throws {
        let folder = try TemporaryFolder()
        let waiting = Mutex(0)
        let server = try TinyServer { request in
            switch request.method {
            case "GET":
                waiting.withLock { $0 += 1 }
                return .silence
            case "HEAD": return .respond(204, headers: ["Upload-Offset": "0"])
            default: return .respond(201)
            }
        }
        let (courier, mailbox) = try Self.courier(server.url, folder)
        try Files.makeFolder("\(folder.path)/slots/64")
        try folder.write("slots/64/result", "x")
        let nothing = SHA256Hash.digest(of: [])
        for number in 0..<8 { courier.fetchUnit(TaskID(rawValue: 128 + Int64(number)), nothing, bytes: 1) }
        while waiting.withLock({ $0 }) < 2 { usleep(1000) }
        let digest = SHA256Hash.digest(of: Array("x".utf8))
        courier.upload(Self.task, ResultSummary(digest: digest, bytes: 1, fingerprint: ""), ticket: "t")
        #expect(Self.event(mailbox) == "uploaded")
    }

    @Test("The time for an exchange grows with what may be sent and received")
    func timeouts() {
        let small = HTTPRequest(method: "GET", url: "http://a", responseBytesMax: 1 << 14)
        #expect(small.timeoutSeconds == 61)
        let large = HTTPRequest(method: "GET", url: "http://a", responseBytesMax: Limits.workUnitBytesMax)
        #expect(large.timeoutSeconds == 60 + 1024)
        #expect(HTTPRequest(method: "GET", url: "http://a", responseBytesMax: .max).timeoutSeconds == 86_400)
        #expect(HTTPRequest(method: "GET", url: "http://a", timeoutSeconds: 5).timeoutSeconds == 5)
    }
}
