import Bytes
import Domain
import Glibc
import WorkerHost

/// Fetches a blob into a file: resumes a part that an earlier attempt left, and believes only the hash.
///
/// The hash is made while the bytes come. Its state is not kept on disk: a part that an earlier attempt left is read
/// once more, which costs less than a format that another version could misread. There is never more on the disk than
/// the part, which becomes the blob by its name.
public struct BlobDownload: Sendable {
    let transport: HTTPTransport

    public init(transport: HTTPTransport) {
        self.transport = transport
    }

    /// Leaves the complete, verified file at `path`, or a part beside it for the next attempt.
    ///
    /// - Parameter size: bytes that the blob has; one byte more and it is refused.
    /// - Throws: what `HTTPTransport.perform` throws; `.badData` when the bytes have another hash, `.noInput` when the
    ///   server has no such blob, `.cannotWrite` when the disk is full.
    public func fetch(url: String, digest: Digest, size: Int64, to path: String) throws(Fault) {
        let part = path + ".part"
        let sink = try LocalDisk.act { () throws(Fault) in try FileSink(path: part, size: Int(size)) }
        let found: Digest
        do throws(Fault) {
            if sink.offset < Int(size) || size == 0 { try receive(url, sink) }
            found = try sink.finish()
        } catch {
            sink.close()
            throw error
        }
        try LocalDisk.act { () throws(Fault) in try believe(part, found, url, digest, path) }
    }

    private func believe(
        _ part: String, _ found: Digest, _ url: String, _ digest: Digest, _ path: String
    ) throws(Fault) {
        guard found == digest else {
            try Files.remove(part)
            throw Fault(
                .badData, "\(url): the bytes that came have another SHA-256", advice: "It will be fetched anew.")
        }
        guard rename(part, path) == 0 else { throw Files.fault("rename", part) }
        Files.syncFolder(of: path)
    }

    private func receive(_ url: String, _ sink: FileSink) throws(Fault) {
        var request = HTTPRequest(method: "GET", url: url, timeoutSeconds: 24 * 3600)
        request.kind = .download
        request.givesWay = true
        var head: ResponseHead
        repeat {
            request.headers = sink.offset > 0 ? [HTTPHeader("Range", "bytes=\(sink.offset)-")] : []
            head = try transport.exchange(request, sink: sink)
        } while head.gaveWay && sink.offset < sink.size
        if head.status == 416 {
            try sink.restart()
            throw Fault(.interrupted, "\(url): the part that was here does not fit; it was dropped")
        }
        guard head.status == 200 || head.status == 206 else {
            throw HTTPResponse(status: head.status, headers: head.headers, body: sink.refusal).refusal(url: url)
        }
        guard sink.offset == sink.size else {
            throw Fault(.interrupted, "\(url): \(sink.offset) of \(sink.size) bytes came")
        }
    }

    /// SHA-256 of a file, piece by piece.
    public static func digest(ofFile path: String) throws(Fault) -> Digest {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Files.fault("open", path) }
        defer { Glibc.close(file) }
        return try state(of: file, path).finish()
    }

    /// The hash of an open file from its present place to its end, where it is left.
    static func state(of file: Int32, _ path: String) throws(Fault) -> StreamingSHA256 {
        var hash = StreamingSHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Files.fault("read", path) }
            if count == 0 { return hash }
            hash.update(buffer[..<count])
        }
    }
}

/// What a transfer does with this computer's disk.
enum LocalDisk {
    /// - Throws: never `.noInput`, which in a transfer means that the server has no such blob; a file or folder that is
    ///   gone here comes back with the next attempt.
    static func act<T>(_ body: () throws(Fault) -> T) throws(Fault) -> T {
        do throws(Fault) { return try body() } catch {
            throw error.kind == .noInput ? Fault(.interrupted, error.message, advice: error.advice) : error
        }
    }
}

/// Appends a body to a file, up to the size that was announced, and hashes what lies there.
final class FileSink: BodySink {
    let size: Int
    private(set) var offset: Int
    private(set) var problem: Fault?
    /// The body of an answer that is not the blob, for its message.
    private(set) var refusal: [UInt8] = []
    private let path: String
    private var file: Int32
    private var isBlob = false
    private var hash: StreamingSHA256

    init(path: String, size: Int) throws(Fault) {
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Files.fault("create", path) }
        self.path = path
        self.size = size
        hash = StreamingSHA256()
        offset = Int(lseek(file, 0, SEEK_END))
        if offset > size { try restart() }
        if offset > 0 {
            lseek(file, 0, SEEK_SET)
            hash = try BlobDownload.state(of: file, path)
        }
    }

    deinit { close() }

    func close() {
        if file >= 0 { Glibc.close(file) }
        file = -1
    }

    /// Throws away what is there.
    func restart() throws(Fault) {
        guard ftruncate(file, 0) == 0 else { throw Files.fault("truncate", path) }
        offset = Int(lseek(file, 0, SEEK_SET))
        hash = StreamingSHA256()
    }

    /// - Returns: the hash of the whole file, which is on the disk.
    func finish() throws(Fault) -> Digest {
        guard fsync(file) == 0 else { throw Files.fault("sync", path) }
        close()
        return hash.finish()
    }

    func begin(_ head: ResponseHead) {
        isBlob = head.status == 200 || head.status == 206
        if isBlob, head.response.isWebPage {
            problem = Fault(.protocolError, "a web page came in place of the blob")
            return
        }
        // The server sent everything although a part was asked for.
        if head.status == 200, offset > 0 {
            do throws(Fault) { try restart() } catch { problem = error }
        }
        if head.status == 206, !(head.headers["content-range"] ?? "").hasPrefix("bytes \(offset)-") {
            problem = Fault(.protocolError, "another range was sent than the one asked for")
        }
    }

    func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard problem == nil else { return false }
        guard isBlob else {
            refusal += bytes.prefix(max(0, 16_384 - refusal.count))
            return true
        }
        guard offset + bytes.count <= size else {
            problem = Fault(.protocolError, "more than the \(size) bytes that were announced")
            return false
        }
        var at = 0
        while at < bytes.count {
            let count = write(file, bytes.baseAddress! + at, bytes.count - at)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                problem = Files.fault("write", path)
                return false
            }
            at += count
        }
        hash.update(bytes)
        offset += bytes.count
        return true
    }
}
