import CCurl
import Glibc
import Synchronization

/// One request on the wire.
struct S3Request {
    var method: String
    /// With the bucket, from the first slash on; characters that need no escape.
    var path: String
    /// In canonical form: names in order, values escaped.
    var query = ""
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// Bytes of an answer that are accepted.
    var answerBytesMax = 1 << 20
}

/// Sends requests by libcurl, which signs them (AWS signature version 4). Blocks; safe to call from any thread.
final class S3Exchange: Sendable {
    /// Why there is no answer.
    struct Broken: Error {
        var reason: String
        /// More came than was allowed: trying again does not help.
        var isTooLarge = false
    }

    /// Used by one thread at a time.
    private struct Handle: @unchecked Sendable { let curl: UnsafeMutableRawPointer }

    private static let library: CURLcode = curl_global_init(3 /* CURL_GLOBAL_ALL */)
    private static let idleHandlesMax = 16

    private let endpoint: String
    private let region: String
    private let credentials: S3Credentials
    private let idle = Mutex<[Handle]>([])

    init(_ location: S3Location, _ credentials: S3Credentials) {
        _ = S3Exchange.library
        endpoint = location.endpoint
        region = location.region
        self.credentials = credentials
    }

    deinit {
        for handle in idle.withLock({ $0 }) { curl_easy_cleanup(handle.curl) }
    }

    private final class Context {
        var headers: [String: String] = [:]
        var body: [UInt8] = []
        let bodyMax: Int
        var isTooLarge = false
        private var isError = false
        private static let errorBytesMax = 16_384

        init(bodyMax: Int) { self.bodyMax = bodyMax }

        func header(_ line: String) {
            if line.hasPrefix("HTTP/") {
                headers = [:]
                // `HTTP/1.1 404 Not Found`
                isError = line.split(separator: " ").dropFirst().first.map { $0 >= "300" } ?? true
            } else if let colon = line.firstIndex(of: ":") {
                let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
                headers[line[..<colon].lowercased()] = String(value)
            }
        }

        /// - Returns: false to break off. Of the text of an error the beginning is enough.
        func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
            if isError {
                body.append(contentsOf: bytes.prefix(max(0, Self.errorBytesMax - body.count)))
                return true
            }
            guard body.count + bytes.count <= bodyMax else {
                isTooLarge = true
                return false
            }
            body.append(contentsOf: bytes)
            return true
        }
    }

    func perform(_ request: S3Request) throws(Broken) -> S3Answer {
        guard let handle = idle.withLock({ $0.popLast() }) ?? curl_easy_init().map({ Handle(curl: $0) }) else {
            throw Broken(reason: "no memory for libcurl")
        }
        let curl = handle.curl
        defer {
            idle.withLock { idle in
                if idle.count < S3Exchange.idleHandlesMax { idle.append(handle) } else { curl_easy_cleanup(curl) }
            }
        }
        curl_easy_reset(curl)
        set(curl, request)
        let context = Context(bodyMax: request.answerBytesMax)
        let list = headerList(request)
        defer { curl_slist_free_all(list) }
        _ = millrace_curl_set_list(curl, CURLOPT_HTTPHEADER, list)
        setCallbacks(curl, context)
        // libcurl takes a null pointer for "read from a callback".
        let body = request.body.isEmpty ? [0] : request.body
        let code: CURLcode = withExtendedLifetime(context) {
            body.withUnsafeBytes { bytes in
                if request.method == "PUT" || request.method == "POST" {
                    _ = millrace_curl_set_offset(
                        curl, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count))
                    _ = millrace_curl_set_pointer(
                        curl, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress))
                }
                return curl_easy_perform(curl)
            }
        }
        guard code == CURLE_OK else {
            // Only libcurl's own words: its buffer of errors could hold parts of headers.
            throw Broken(reason: String(cString: curl_easy_strerror(code)), isTooLarge: context.isTooLarge)
        }
        var status = 0
        _ = millrace_curl_get_long(curl, CURLINFO_RESPONSE_CODE, &status)
        return S3Answer(status: status, headers: context.headers, body: context.body)
    }

    private func headerList(_ request: S3Request) -> UnsafeMutablePointer<curl_slist>? {
        // libcurl 7.88 signs the host without its port unless it is named.
        let host = endpoint.drop { $0 != ":" }.dropFirst(3)
        var headers = [(name: "Host", value: String(host))] + request.headers
        if let token = credentials.sessionToken { headers.append((name: "x-amz-security-token", value: token)) }
        if request.method == "PUT" { headers.append((name: "Content-Type", value: "application/octet-stream")) }
        if request.method == "POST" { headers.append((name: "Content-Type", value: "application/xml")) }
        var list: UnsafeMutablePointer<curl_slist>?
        for header in headers { list = curl_slist_append(list, "\(header.name): \(header.value)") }
        return list
    }

    private func set(_ curl: UnsafeMutableRawPointer, _ request: S3Request) {
        let url = endpoint + request.path + (request.query.isEmpty ? "" : "?" + request.query)
        _ = millrace_curl_set_string(curl, CURLOPT_URL, url)
        _ = millrace_curl_set_string(curl, CURLOPT_AWS_SIGV4, "aws:amz:\(region):s3")
        _ = millrace_curl_set_string(curl, CURLOPT_USERNAME, credentials.keyID)
        _ = millrace_curl_set_string(curl, CURLOPT_PASSWORD, credentials.secret)
        _ = millrace_curl_set_string(curl, CURLOPT_USERAGENT, "millrace-server")
        _ = millrace_curl_set_string(curl, CURLOPT_PROTOCOLS_STR, "http,https")
        _ = millrace_curl_set_long(curl, CURLOPT_NOSIGNAL, 1)
        // Another address would see the signature.
        _ = millrace_curl_set_long(curl, CURLOPT_FOLLOWLOCATION, 0)
        _ = millrace_curl_set_long(curl, CURLOPT_NETRC, 0)
        _ = millrace_curl_set_long(curl, CURLOPT_CONNECTTIMEOUT_MS, 10_000)
        _ = millrace_curl_set_long(curl, CURLOPT_LOW_SPEED_LIMIT, 1024)
        _ = millrace_curl_set_long(curl, CURLOPT_LOW_SPEED_TIME, 30)
        // An `Expect` taken out of the headers would still be signed by this libcurl: it is sent, and not waited for.
        _ = millrace_curl_set_long(curl, CURLOPT_EXPECT_100_TIMEOUT_MS, 1)
        switch request.method {
        case "GET": _ = millrace_curl_set_long(curl, CURLOPT_HTTPGET, 1)
        case "HEAD": _ = millrace_curl_set_long(curl, CURLOPT_NOBODY, 1)
        case "DELETE": _ = millrace_curl_set_string(curl, CURLOPT_CUSTOMREQUEST, "DELETE")
        default:
            _ = millrace_curl_set_long(curl, CURLOPT_POST, 1)
            _ = millrace_curl_set_string(curl, CURLOPT_CUSTOMREQUEST, request.method)
        }
    }

    private func setCallbacks(_ curl: UnsafeMutableRawPointer, _ context: Context) {
        let pointer = Unmanaged.passUnretained(context).toOpaque()
        _ = millrace_curl_set_pointer(curl, CURLOPT_WRITEDATA, pointer)
        _ = millrace_curl_set_pointer(curl, CURLOPT_HEADERDATA, pointer)
        _ = millrace_curl_set_write(curl, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            guard let bytes, let context else { return 0 }
            let exchange = Unmanaged<Context>.fromOpaque(context).takeUnretainedValue()
            let raw = UnsafeRawBufferPointer(start: bytes, count: size * count)
            exchange.header(String(decoding: raw.prefix { $0 != 0x0D && $0 != 0x0A }, as: UTF8.self))
            return size * count
        }
        _ = millrace_curl_set_write(curl, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            guard let bytes, let context else { return 0 }
            let exchange = Unmanaged<Context>.fromOpaque(context).takeUnretainedValue()
            let taken = exchange.take(UnsafeRawBufferPointer(start: bytes, count: size * count))
            return taken ? size * count : 0
        }
    }
}
