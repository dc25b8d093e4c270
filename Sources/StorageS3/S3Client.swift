import Domain
import Glibc
import Storage

/// The few operations on objects, each with its retries. Throws `StoreError` only.
final class S3Client: Sendable {
    let location: S3Location
    private let exchange: S3Exchange
    private let retry: S3Retry
    private let pause: @Sendable (Double) -> Void
    /// Told, in a line without secrets, that a request is sent again.
    private let notice: @Sendable (String) -> Void
    private let hash: HashFactory

    init(
        _ location: S3Location, _ credentials: S3Credentials, hash: @escaping HashFactory, retry: S3Retry,
        pause: @escaping @Sendable (Double) -> Void, notice: @escaping @Sendable (String) -> Void
    ) {
        self.location = location
        exchange = S3Exchange(location, credentials)
        self.hash = hash
        self.retry = retry
        self.pause = pause
        self.notice = notice
    }

    func path(_ key: String) -> String { "/\(location.bucket)/\(key)" }

    /// - Returns: nil when there is no such object.
    func size(_ key: String) throws(StoreError) -> Int64? {
        let answer = try send(S3Request(method: "HEAD", path: path(key)), accepting: [200, 404])
        guard answer.status == 200 else { return nil }
        guard let size = answer.headers["content-length"].flatMap({ Int64($0) }), size >= 0 else {
            throw .io("S3 gives no length of \(key)")
        }
        return size
    }

    /// - Parameter range: nil: the whole, of at most `limit` bytes.
    /// - Returns: nil when there is no such object, or nothing in that range.
    func get(_ key: String, range: Range<Int64>? = nil, limit: Int) throws(StoreError) -> [UInt8]? {
        var request = S3Request(method: "GET", path: path(key))
        request.answerBytesMax = limit
        if let range {
            request.headers.append((name: "Range", value: "bytes=\(range.lowerBound)-\(range.upperBound - 1)"))
        }
        let answer = try send(request, accepting: [200, 206, 404, 416])
        // What ignores ranges would give the wrong bytes.
        guard range == nil || answer.status != 200 else { throw .io("S3 sends all of \(key) instead of a range") }
        return answer.status == 200 || answer.status == 206 ? answer.body : nil
    }

    func put(_ key: String, _ bytes: [UInt8], hash digest: Digest) throws(StoreError) {
        var request = S3Request(method: "PUT", path: path(key))
        request.body = bytes
        request.headers.append((name: "x-amz-content-sha256", value: digest.hex))
        _ = try send(request, accepting: [200])
    }

    func delete(_ key: String) throws(StoreError) {
        _ = try send(S3Request(method: "DELETE", path: path(key)), accepting: [200, 204, 404])
    }

    /// Whether the bucket is there and may be used.
    func checkBucket() throws(StoreError) {
        var request = S3Request(method: "GET", path: "/\(location.bucket)")
        request.query = "list-type=2&max-keys=1&prefix=" + Self.escaped(location.prefix)
        _ = try send(request, accepting: [200])
    }

    /// A value of a query in canonical form.
    static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: bytes.append(byte)
            default: bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Sends until it succeeds, is refused for good, or was tried often enough.
    func send(_ request: S3Request, accepting statuses: Set<Int>) throws(StoreError) -> S3Answer {
        var request = request
        // libcurl 7.88 sends the hash of the body that it signs only when it is given.
        if !request.headers.contains(where: { $0.name == "x-amz-content-sha256" }) {
            let digest = Storage.digest(of: request.body, with: hash)
            request.headers.append((name: "x-amz-content-sha256", value: digest.hex))
        }
        var attempt = 1
        while true {
            let outcome: S3Retry.Outcome
            let why: String
            do throws(S3Exchange.Broken) {
                let answer = try exchange.perform(request)
                if statuses.contains(answer.status) { return answer }
                let code = answer.errorCode
                outcome = .answered(status: answer.status, code: code)
                why = "status \(answer.status)" + (code.isEmpty ? "" : " \(code)")
            } catch {
                if error.isTooLarge { throw .io("\(request.path) has more than \(request.answerBytesMax) bytes") }
                outcome = .broken
                why = error.reason
            }
            let random = Double.random(in: 0..<1)
            guard let seconds = retry.delay(after: outcome, attempt: attempt, random: random) else {
                throw .io("S3 at \(location.endpoint): \(request.method) \(request.path): \(why)")
            }
            notice("S3: \(request.method) \(request.path): \(why); attempt \(attempt + 1) of \(retry.attemptsMax)")
            pause(seconds)
            attempt += 1
        }
    }
}
