import Bytes
import ClientSystem
import Domain
import Glibc
import Synchronization
import Testing
import Wire
import WorkerHost

@Suite("Downloads")
struct BlobDownloadTests {
    static let blob = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    static let digest = SHA256Hash.digest(of: blob)

    /// Serves ranges of the blob.
    static func ranges(_ request: TinyServer.Request) -> TinyServer.Answer {
        guard let range = request.headers["range"], let from = Int(range.filter { $0.isNumber }) else {
            return .respond(200, headers: ["Accept-Ranges": "bytes"], body: blob)
        }
        guard from < blob.count else { return .respond(416) }
        return .respond(
            206, headers: ["Content-Range": "bytes \(from)-\(blob.count - 1)/\(blob.count)"], body: Array(blob[from...])
        )
    }

    static func fetch(_ server: TinyServer, to path: String, size: Int = blob.count) throws(Fault) {
        try BlobDownload(transport: TransportTests.transport()).fetch(
            url: server.url + "/v1/blobs/\(digest.hex)", digest: digest, size: Int64(size), to: path)
    }

    @Test("A blob arrives in its file, and no part is left")
    func whole() throws {
        let folder = try TemporaryFolder()
        let server = try TinyServer(Self.ranges)
        try Self.fetch(server, to: folder.path + "/blob")
        #expect(try Files.read(folder.path + "/blob", limit: 1 << 20) == Self.blob)
        #expect(try Files.names(in: folder.path) == ["blob"])
    }

    @Test("A web page in place of a blob passes by, and does not count against the server's blob")
    func webPage() throws {
        let folder = try TemporaryFolder()
        let portal = try TinyServer { _ in
            .respond(200, headers: ["Content-Type": "text/html; charset=utf-8"], body: Array("<html>Log in".utf8))
        }
        let kind = TransportTests.kind { () throws(Fault) in try Self.fetch(portal, to: folder.path + "/blob") }
        #expect(kind == .protocolError)
        let server = try TinyServer(Self.ranges)
        try Self.fetch(server, to: folder.path + "/blob")
        #expect(try Files.read(folder.path + "/blob", limit: 1 << 20) == Self.blob)
    }

    @Test("After a broken connection only the missing part is fetched")
    func resumes() throws {
        let folder = try TemporaryFolder()
        let first = try TinyServer { _ in .dropAfter(Array(Self.blob[..<120_000]), length: Self.blob.count) }
        do throws(Fault) {
            try Self.fetch(first, to: folder.path + "/blob")
            Issue.record("half a blob was believed")
        } catch {
            #expect(error.kind == .interrupted)
        }
        #expect(!Files.exists(folder.path + "/blob"))
        let second = try TinyServer(Self.ranges)
        try Self.fetch(second, to: folder.path + "/blob")
        #expect(second.requests.first?.headers["range"] == "bytes=120000-")
        #expect(try Files.read(folder.path + "/blob", limit: 1 << 20) == Self.blob)
    }

    @Test("A server that knows no ranges sends everything, and that is fine")
    func noRanges() throws {
        let folder = try TemporaryFolder()
        try Files.replace(folder.path + "/blob.part", with: [9, 9, 9])
        let server = try TinyServer { _ in .respond(200, body: Self.blob) }
        try Self.fetch(server, to: folder.path + "/blob")
        #expect(try Files.read(folder.path + "/blob", limit: 1 << 20) == Self.blob)
    }

    @Test("A part of something else is found out by the hash, and the next attempt begins anew")
    func wrongPart() throws {
        let folder = try TemporaryFolder()
        try Files.replace(folder.path + "/blob.part", with: [9, 9, 9])
        let server = try TinyServer(Self.ranges)
        #expect(
            TransportTests.kind { () throws(Fault) in try Self.fetch(server, to: folder.path + "/blob") } == .badData)
        try Self.fetch(server, to: folder.path + "/blob")
        #expect(try Files.read(folder.path + "/blob", limit: 1 << 20) == Self.blob)
    }

    @Test("A blob that goes on beyond its size is broken off")
    func tooLong() throws {
        let folder = try TemporaryFolder()
        let server = try TinyServer(Self.ranges)
        let kind = TransportTests.kind { () throws(Fault) in
            try Self.fetch(server, to: folder.path + "/blob", size: 1000)
        }
        #expect(kind == .protocolError)
        #expect(!Files.exists(folder.path + "/blob"))
    }

    @Test("A blob that the server lacks is said to be missing")
    func missing() throws {
        let folder = try TemporaryFolder()
        var reply = WireErrorReply()
        reply.code = "no_such_blob"
        reply.message = "there is no such blob"
        let bytes = try StrictDecode.bytes(of: reply)
        let server = try TinyServer { _ in
            .respond(404, headers: ["Content-Type": "application/x-protobuf"], body: bytes)
        }
        #expect(
            TransportTests.kind { () throws(Fault) in try Self.fetch(server, to: folder.path + "/blob") } == .noInput)
    }
}

@Suite("Uploads")
struct BlobUploadTests {
    /// A server's side of the offset protocol.
    final class Inbox: Sendable {
        struct State {
            var bytes: [UInt8] = []
            var patches = 0
            /// The connection breaks at this patch, after or before its bytes were taken.
            var breakAt: Int?
            var breakAfterTaking = false
        }
        let state: Mutex<State>
        let digest: Digest
        let size: Int

        init(_ blob: [UInt8], breakAt: Int? = nil, breakAfterTaking: Bool = false) {
            state = Mutex(State(breakAt: breakAt, breakAfterTaking: breakAfterTaking))
            digest = SHA256Hash.digest(of: blob)
            size = blob.count
        }

        func answer(_ request: TinyServer.Request) -> TinyServer.Answer {
            guard request.headers["upload-digest"] == digest.hex else { return .respond(400) }
            return state.withLock { state in
                if request.method == "HEAD" {
                    return .respond(204, headers: ["Upload-Offset": "\(state.bytes.count)"])
                }
                state.patches += 1
                let breaks = state.patches == state.breakAt
                if breaks, !state.breakAfterTaking { return .dropAfter([1], length: 10) }
                guard state.bytes.count > size || request.headers["upload-offset"] == "\(state.bytes.count)" else {
                    return BlobUploadTests.error(
                        409, "wrong_offset", extra: ["Upload-Offset": "\(state.bytes.count)"])
                }
                // Something longer than the whole is none of it.
                if state.bytes.count > size {
                    state.bytes = []
                    return BlobUploadTests.error(409, "wrong_offset", extra: ["Upload-Offset": "0"])
                }
                state.bytes += request.body
                if breaks { return .dropAfter([1], length: 10) }
                let isComplete = state.bytes.count == size
                if isComplete, SHA256Hash.digest(of: state.bytes) != digest {
                    state.bytes = []
                    return BlobUploadTests.error(422, "hash_mismatch")
                }
                return .respond(isComplete ? 201 : 204, headers: ["Upload-Offset": "\(state.bytes.count)"])
            }
        }

        var bytes: [UInt8] { state.withLock { $0.bytes } }
    }

    static func error(_ status: Int, _ code: String, extra: [String: String] = [:]) -> TinyServer.Answer {
        var reply = WireErrorReply()
        reply.code = code
        reply.message = code
        let bytes = (try? StrictDecode.bytes(of: reply)) ?? []
        return .respond(
            status, headers: extra.merging(["Content-Type": "application/x-protobuf"]) { a, _ in a }, body: bytes)
    }

    static let blob = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

    static func send(_ server: TinyServer, _ file: String, _ blob: [UInt8] = blob) throws(Fault) {
        try BlobUpload(transport: TransportTests.transport(), chunkBytes: 3000).send(
            file: file, digest: SHA256Hash.digest(of: blob), size: Int64(blob.count), url: server.url + "/v1/uploads/t")
    }

    @Test("A file arrives in chunks", arguments: [0, 1, 2999, 3000, 3001, 10_000])
    func chunks(size: Int) throws {
        let folder = try TemporaryFolder()
        let blob = Array(Self.blob.prefix(size))
        try Files.replace(folder.path + "/result", with: blob)
        let inbox = Inbox(blob)
        let server = try TinyServer { inbox.answer($0) }
        try Self.send(server, folder.path + "/result", blob)
        #expect(inbox.bytes == blob)
        #expect(inbox.state.withLock { $0.patches } == max(1, (size + 2999) / 3000))
    }

    @Test(
        "After a broken connection it goes on where the server is, whether or not the chunk had arrived",
        arguments: [true, false])
    func resumes(taken: Bool) throws {
        let folder = try TemporaryFolder()
        try Files.replace(folder.path + "/result", with: Self.blob)
        let inbox = Inbox(Self.blob, breakAt: 2, breakAfterTaking: taken)
        let server = try TinyServer { inbox.answer($0) }
        #expect(
            TransportTests.kind { () throws(Fault) in try Self.send(server, folder.path + "/result") } == .interrupted)
        try Self.send(server, folder.path + "/result")
        #expect(inbox.bytes == Self.blob)
    }

    @Test("A server that lost its place says where it is, and is believed")
    func wrongOffset() throws {
        let folder = try TemporaryFolder()
        try Files.replace(folder.path + "/result", with: Self.blob)
        let inbox = Inbox(Self.blob)
        let lies = Mutex(true)
        let server = try TinyServer { request in
            // A head that is behind the truth: the first chunk then meets a 409.
            if request.method == "HEAD", lies.withLock({ $0 }) {
                inbox.state.withLock { $0.bytes = Array(Self.blob[..<4000]) }
                return .respond(204, headers: ["Upload-Offset": "0"])
            }
            return inbox.answer(request)
        }
        try Self.send(server, folder.path + "/result")
        #expect(inbox.bytes == Self.blob)
    }

    @Test("Only the server's 201 ends an upload: what lies there may be another thing", arguments: [10_000, 12_000])
    func remnants(length: Int) throws {
        let folder = try TemporaryFolder()
        try Files.replace(folder.path + "/result", with: Self.blob)
        let inbox = Inbox(Self.blob)
        inbox.state.withLock { $0.bytes = [UInt8](repeating: 1, count: length) }
        let server = try TinyServer { inbox.answer($0) }
        let kind = TransportTests.kind { () throws(Fault) in try Self.send(server, folder.path + "/result") }
        if length == Self.blob.count {
            // Found out by its hash and dropped; the next attempt begins anew.
            #expect(kind == .badData)
            try Self.send(server, folder.path + "/result")
        } else {
            #expect(kind == nil)
        }
        #expect(inbox.bytes == Self.blob)
    }

    @Test("A complete upload whose end was not confirmed is confirmed by an empty chunk")
    func confirms() throws {
        let folder = try TemporaryFolder()
        try Files.replace(folder.path + "/result", with: Self.blob)
        let inbox = Inbox(Self.blob)
        inbox.state.withLock { $0.bytes = Self.blob }
        let server = try TinyServer { inbox.answer($0) }
        try Self.send(server, folder.path + "/result")
        #expect(server.requests.map(\.method) == ["HEAD", "PATCH"])
        #expect(server.requests.last?.body.isEmpty == true)
    }

    @Test("A server that never confirms is not believed")
    func neverConfirms() throws {
        let folder = try TemporaryFolder()
        try Files.replace(folder.path + "/result", with: Self.blob)
        let server = try TinyServer { _ in .respond(204, headers: ["Upload-Offset": "10000"]) }
        #expect(
            TransportTests.kind { () throws(Fault) in try Self.send(server, folder.path + "/result") } == .protocolError
        )
    }

    @Test("The last chunk may be answered after longer work than a line may rest")
    func slowEnd() throws {
        let folder = try TemporaryFolder()
        try Files.replace(folder.path + "/result", with: Self.blob)
        let inbox = Inbox(Self.blob)
        let server = try TinyServer { request in
            let answer = inbox.answer(request)
            // As hashing takes it; libcurl looks at the speed once a second.
            if request.method == "PATCH", inbox.bytes.count == Self.blob.count { usleep(4_000_000) }
            return answer
        }
        var settings = HTTPSettings()
        settings.lowSpeedSeconds = 1
        try BlobUpload(transport: HTTPTransport(userAgent: "test", settings: settings), chunkBytes: 3000).send(
            file: folder.path + "/result", digest: inbox.digest, size: Int64(inbox.size),
            url: server.url + "/v1/uploads/t")
        #expect(inbox.bytes == Self.blob)
    }

    @Test("What was sent and is not answered in time may be asked about again; also a proxy's word for that")
    func noAnswer() throws {
        let silent = try TinyServer { _ in .silence }
        let kind = TransportTests.kind { () throws(Fault) in
            _ = try TransportTests.transport().perform(
                HTTPRequest(method: "PATCH", url: silent.url, body: [1], timeoutSeconds: 0.5))
        }
        #expect(kind == .interrupted)
        let folder = try TemporaryFolder()
        try Files.replace(folder.path + "/result", with: Self.blob)
        let proxy = try TinyServer { request in
            request.method == "HEAD" ? .respond(204, headers: ["Upload-Offset": "0"]) : .respond(504)
        }
        #expect(
            TransportTests.kind { () throws(Fault) in try Self.send(proxy, folder.path + "/result") } == .interrupted)
    }

    @Test("Chunks that come too slowly are halved, as far as that helps", arguments: [30_000, 100])
    func tooSlow(most: Int) throws {
        let folder = try TemporaryFolder()
        let blob = [UInt8](repeating: 5, count: 100_000)
        try Files.replace(folder.path + "/result", with: blob)
        let inbox = Inbox(blob)
        let server = try TinyServer { request in
            guard request.body.count <= most else {
                return .respond(408, headers: ["Content-Type": "text/plain"], body: Array("too slowly\n".utf8))
            }
            return inbox.answer(request)
        }
        let kind = TransportTests.kind { () throws(Fault) in
            try BlobUpload(transport: TransportTests.transport(), chunkBytes: 100_000).send(
                file: folder.path + "/result", digest: inbox.digest, size: Int64(inbox.size),
                url: server.url + "/v1/uploads/t")
        }
        let sizes = server.requests.filter { $0.method == "PATCH" }.map(\.body.count)
        if most == 30_000 {
            #expect(kind == nil && inbox.bytes == blob)
            #expect(sizes == [100_000, 50_000, 25_000, 25_000, 25_000, 25_000])
        } else {
            #expect(kind == .interrupted)
            #expect(sizes == [100_000, 50_000, 25_000, 16_384])
        }
    }

    static let refusals: [(Int, String, FaultKind)] = [
        (403, "bad_ticket", .refused), (413, "too_large", .refused), (422, "hash_mismatch", .badData),
        (507, "disk_full", .interrupted), (409, "wrong_offset", .protocolError),
    ]

    @Test("Refusals have their own kinds", arguments: refusals)
    func refused(status: Int, code: String, kind: FaultKind) throws {
        let folder = try TemporaryFolder()
        try Files.replace(folder.path + "/result", with: Self.blob)
        let server = try TinyServer { request in
            request.method == "HEAD"
                ? .respond(204, headers: ["Upload-Offset": "0"])
                : Self.error(status, code, extra: ["Upload-Offset": "0"])
        }
        #expect(TransportTests.kind { () throws(Fault) in try Self.send(server, folder.path + "/result") } == kind)
    }

    @Test("Altered bytes are found out by the server, and told")
    func altered() throws {
        let folder = try TemporaryFolder()
        var altered = Self.blob
        altered[5000] ^= 1
        try Files.replace(folder.path + "/result", with: altered)
        let inbox = Inbox(Self.blob)
        let server = try TinyServer { inbox.answer($0) }
        #expect(TransportTests.kind { () throws(Fault) in try Self.send(server, folder.path + "/result") } == .badData)
    }
}
