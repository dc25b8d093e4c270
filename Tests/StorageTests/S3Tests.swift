import Domain
import Foundation
import Storage
import StorageS3
import StorageSQLite
import Synchronization
import Testing

/// What concerns a bucket. That it keeps the contract of every blob store, `BlobConformanceTests` shows.
@Suite("blobs in a bucket", .enabled(if: S3TestServer.shared != nil, "no S3 server: see scripts/s3-server.sh"))
struct S3Tests {
    private let words = Array("the quick brown fox".utf8)
    private func name(of bytes: [UInt8]) -> Digest { digest(of: bytes, with: sha256) }
    private static let large = (0..<(9 << 20)).map { UInt8(truncatingIfNeeded: $0 * 31 >> 4) }

    @Test("a large upload goes in parts, and leaves nothing on the local disk")
    func parts() throws {
        let folder = try ScratchFolder()
        let local = try FileBlobStore(path: folder.file("local"), hash: sha256)
        let blobs = try S3TestServer.required().store(on: local, prefix: UUID().uuidString)
        let name = name(of: Self.large)
        let upload = UploadName(blob: name)
        _ = try blobs.appendUpload(upload, offset: 0, bytes: Self.large, limit: 1 << 30)
        try blobs.finishUpload(upload, expecting: name)
        #expect(try blobs.openPartsCount() == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("local/uploads")).isEmpty)
        #expect(try !local.contains(name))
        #expect(try blobs.size(of: name) == Int64(Self.large.count))
        let at = 8 << 20
        #expect(try blobs.read(name, offset: Int64(at - 5), count: 10) == Array(Self.large[(at - 5)..<(at + 5)]))
        try blobs.verify(name)
        // A worker gets a copy; asked again, the same.
        let path = try #require(blobs.path(of: name))
        #expect(FileManager.default.contents(atPath: path) == Data(Self.large))
        #expect(blobs.path(of: name) == path)
        try blobs.remove(name)
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(try !blobs.contains(name))
    }

    @Test("a service that is away costs nothing: the upload stays whole and is sent when it is back")
    func away() throws {
        let folder = try ScratchFolder()
        let local = try FileBlobStore(path: folder.file("local"), hash: sha256)
        let server = try S3TestServer.required()
        let prefix = UUID().uuidString
        let flaky = try FlakyServer(answers: [.ok])
        let blobs = try server.store(on: local, prefix: prefix, endpoint: flaky.endpoint)
        flaky.stop()
        let upload = UploadName(blob: name(of: words))
        _ = try blobs.appendUpload(upload, offset: 0, bytes: words, limit: 100)
        #expect(refusal { try blobs.finishUpload(upload, expecting: name(of: words)) } == "io")
        #expect(try blobs.uploadOffset(upload) == 19)
        let back = try server.store(on: local, prefix: prefix)
        try back.finishUpload(upload, expecting: name(of: words))
        #expect(try back.read(name(of: words), limit: 100) == words)
        #expect(try back.uploadOffset(upload) == 0)
    }

    @Test("what a crash leaves of a multipart upload is ended when it is old")
    func leftParts() throws {
        let folder = try ScratchFolder()
        let blobs = try S3TestServer.required().store(in: folder)
        try blobs.leaveParts(of: name(of: words))
        try blobs.removeStaleUploads(before: Timestamp(seconds: 0))
        #expect(try blobs.openPartsCount() == 1)
        try blobs.removeStaleUploads(before: Timestamp(seconds: 1 << 40))
        #expect(try blobs.openPartsCount() == 0)
    }

    @Test("small blobs stay here, and what was here before is found")
    func local() throws {
        let folder = try ScratchFolder()
        let local = try FileBlobStore(path: folder.file("local"), hash: sha256, smallMax: 10)
        let old = try local.put(words)
        let server = try S3TestServer.required()
        let blobs = try server.store(on: local, prefix: UUID().uuidString, smallMax: 10)
        let digests = try blobs.put([[1, 2, 3], [UInt8](repeating: 4, count: 50)])
        #expect(try local.contains(digests[0]) && !local.contains(digests[1]))
        for digest in digests + [old] { #expect(try blobs.contains(digest)) }
        #expect(try blobs.read(old, limit: 19) == words)
    }

    @Test("a wrong secret and a wrong bucket are refused at once, and no secret gets into a message")
    func refused() throws {
        let folder = try ScratchFolder()
        let local = try FileBlobStore(path: folder.file("local"), hash: sha256)
        let server = try S3TestServer.required()
        let wrong = S3Credentials(keyID: server.credentials.keyID, secret: "qlrtnszkwmvd")
        let notices = Notices()
        let error = #expect(throws: StoreError.self) {
            try server.store(on: local, prefix: "x", credentials: wrong, notice: notices.add)
        }
        let text = "\(error.map { "\($0)" } ?? "")"
        #expect(text.contains("403 SignatureDoesNotMatch") && !text.contains("qlrtnszkwmvd"))
        #expect(notices.all.isEmpty)
        let shown = "\(wrong) \(String(reflecting: wrong)) \(Mirror(reflecting: wrong).children.map { "\($0)" })"
        #expect(!shown.contains("qlrtnszkwmvd") && !shown.contains(wrong.keyID))
        #expect(throws: StoreError.self) {
            let place = try S3Location("s3://nobodys", endpoint: server.endpoint, region: "us-east-1")
            _ = try S3BlobStore(
                place, server.credentials, local: local, hash: sha256, options: S3BlobStore.Options(smallMax: 0))
        }
    }

    @Test("an answer that asks to slow down, and a connection that breaks, are tried again")
    func retried() throws {
        let folder = try ScratchFolder()
        let local = try FileBlobStore(path: folder.file("local"), hash: sha256)
        let flaky = try FlakyServer(answers: [.slowDown, .hangUp, .slowDown, .ok])
        defer { flaky.stop() }
        let notices = Notices()
        _ = try S3TestServer.required().store(on: local, prefix: "x", endpoint: flaky.endpoint, notice: notices.add)
        #expect(notices.all.count == 3)
        #expect(notices.all[0].hasSuffix("status 503 SlowDown; attempt 2 of 6"), "\(notices.all)")
        let dead = try FlakyServer(answers: Array(repeating: .slowDown, count: 20))
        defer { dead.stop() }
        #expect(
            refusal { try S3TestServer.required().store(on: local, prefix: "x", endpoint: dead.endpoint) } == "io")
        #expect(dead.answered == 6, "and then it is enough")
    }
}

/// Whether there must be a server.
@Suite("S3 server")
struct S3ServerTests {
    @Test("there is one where one is required")
    func isThere() {
        if S3TestServer.shared == nil {
            print("NOTE: \(S3TestServer.Missing()); the tests of the S3 blob store did not run")
        }
        #expect(S3TestServer.shared != nil || !S3TestServer.isRequired, "\(S3TestServer.Missing())")
    }
}

private final class Notices: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    @Sendable func add(_ line: String) { lines.withLock { $0.append(line) } }
}

/// Answers as it was told, one connection after another, whatever is asked.
private final class FlakyServer: Sendable {
    enum Answer {
        case ok, slowDown, hangUp
    }

    let endpoint: String
    private let listener: Int32
    private let count = Mutex(0)
    var answered: Int { count.withLock { $0 } }

    init(answers: [Answer]) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 8) == 0
                    && getsockname(listener, $0, &length) == 0
            }
        }
        guard isBound else { throw StoreError.io("bind") }
        endpoint = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        Thread.detachNewThread { [self] in
            for answer in answers {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                count.withLock { $0 += 1 }
                var request = [UInt8](repeating: 0, count: 8192)
                _ = recv(connection, &request, request.count, 0)
                let body = "<Error><Code>SlowDown</Code></Error>"
                let head =
                    answer == .ok
                    ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    : "HTTP/1.1 503 Slow Down\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n" + body
                if answer != .hangUp {
                    _ = Array(head.utf8).withUnsafeBytes { send(connection, $0.baseAddress, $0.count, 0) }
                }
                close(connection)
            }
        }
    }

    /// Nobody listens any more.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}
