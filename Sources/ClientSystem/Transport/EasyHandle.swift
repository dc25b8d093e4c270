import CCurl
import Domain
import Glibc

/// One libcurl easy handle with its connections. Used by one thread at a time: the transport's pool sees to that.
final class EasyHandle: @unchecked Sendable {
    /// Initialises libcurl once, before any thread uses it.
    static let library: CURLcode = curl_global_init(3 /* CURL_GLOBAL_ALL */)

    private let curl: UnsafeMutableRawPointer
    /// Bytes of the last exchange, heads included.
    private(set) var moved: (down: Int, up: Int) = (0, 0)
    private var errorText = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))

    init() {
        guard let curl = curl_easy_init() else { preconditionFailure("curl_easy_init failed: no memory") }
        self.curl = curl
    }

    deinit {
        curl_easy_cleanup(curl)
    }

    /// What the callbacks of one exchange share.
    private final class Exchange {
        let sink: any BodySink
        let governor: TransferGovernor?
        let kind: TransferGovernor.Kind
        /// What it leaves when others want it; nil: it stays to the end.
        let lane: TransferLane?
        var received = 0
        /// Broken off, because no more bytes may move.
        var isStopped = false
        var head = ResponseHead()
        var bodyBytes = 0
        var began = false

        init(sink: any BodySink, governor: TransferGovernor?, kind: TransferGovernor.Kind, lane: TransferLane?) {
            self.sink = sink
            self.governor = governor
            self.kind = kind
            self.lane = lane
        }

        /// - Returns: whether more may come. A call that has begun is brought to its end: its answer says what to do
        ///   with results that wait.
        func count(_ bytes: Int) -> Bool {
            received += bytes
            guard let governor else { return true }
            governor.count(bytes)
            isStopped = kind != .call && !governor.mayGoOn
            // Only where the rest can be asked for: else it would begin anew with every turn.
            let isResumable = head.status == 206 || head.headers["accept-ranges"] == "bytes"
            head.gaveWay = !isStopped && isResumable && lane.map { governor.shouldGiveWay($0) } ?? false
            return !isStopped && !head.gaveWay
        }

        func header(_ line: String) {
            if line.hasPrefix("HTTP/") {
                // A new head: what came before was an interim answer.
                head = ResponseHead()
                // `HTTP/1.1 206 Partial Content`: the sink must know the status before the body comes.
                head.status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            } else if let colon = line.firstIndex(of: ":") {
                let value = line[line.index(after: colon)...]
                head.headers[line[..<colon].lowercased()] = String(value.drop { $0 == " " || $0 == "\t" })
            }
        }
    }

    func perform(
        _ request: HTTPRequest, userAgent: String, settings: HTTPSettings, rates: TransferGovernor.Rates,
        governor: TransferGovernor?, lane: TransferLane?, sink: any BodySink
    ) throws(Fault) -> ResponseHead {
        curl_easy_reset(curl)
        let exchange = Exchange(
            sink: sink, governor: governor, kind: request.kind, lane: request.givesWay ? lane : nil)
        setCommon(request, userAgent: userAgent, settings: settings)
        setRates(rates, request)
        var list: UnsafeMutablePointer<curl_slist>?
        // libcurl would announce larger bodies by `Expect` and wait a second for servers that do not know it.
        for header in request.headers + [HTTPHeader("Expect", "")] {
            list = curl_slist_append(list, header.value.isEmpty ? "\(header.name):" : "\(header.name): \(header.value)")
        }
        defer { curl_slist_free_all(list) }
        _ = millrace_curl_set_list(curl, CURLOPT_HTTPHEADER, list)
        let context = Unmanaged.passUnretained(exchange).toOpaque()
        _ = millrace_curl_set_pointer(curl, CURLOPT_WRITEDATA, context)
        _ = millrace_curl_set_pointer(curl, CURLOPT_HEADERDATA, context)
        let code: CURLcode = errorText.withUnsafeMutableBytes { text in
            text[0] = 0
            _ = millrace_curl_set_pointer(curl, CURLOPT_ERRORBUFFER, text.baseAddress)
            return withExtendedLifetime(exchange) {
                request.body.withUnsafeBytes { body in
                    if request.method == "POST" || request.method == "PATCH" {
                        _ = millrace_curl_set_offset(curl, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
                        _ = millrace_curl_set_pointer(
                            curl, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: body.baseAddress))
                    }
                    return curl_easy_perform(curl)
                }
            }
        }
        moved = (exchange.received, sentBytes(request))
        governor?.count(moved.up)
        exchange.head.status = status
        let gaveWay = exchange.head.gaveWay && sink.problem == nil
        guard code == CURLE_OK || gaveWay else { throw fault(code, request, exchange) }
        return exchange.head
    }

    private var status: Int { long(CURLINFO_RESPONSE_CODE) }

    private func long(_ info: CURLINFO) -> Int {
        var value = 0
        _ = millrace_curl_get_long(curl, info, &value)
        return value
    }

    /// libcurl counts a body that goes out together with its head as part of the request, too.
    private func sentBytes(_ request: HTTPRequest) -> Int {
        var body: curl_off_t = 0
        _ = millrace_curl_get_offset(curl, CURLINFO_SIZE_UPLOAD_T, &body)
        let head =
            request.url.utf8.count + request.headers.reduce(100) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        return Int(body) + min(long(CURLINFO_REQUEST_SIZE), head)
    }

    /// Times are stretched where the rate is slower than the 16 KiB/s that `HTTPRequest.timeoutSeconds` reckons with.
    private func setRates(_ rates: TransferGovernor.Rates, _ request: HTTPRequest) {
        if let slowest = [rates.down, rates.up].compactMap({ $0 }).min() {
            // libcurl looks at the rate after a hundred pieces at the latest: that is a second of it.
            _ = millrace_curl_set_long(curl, CURLOPT_BUFFERSIZE, Int(min(max(slowest / 100, 1024), 16_384)))
            _ = millrace_curl_set_long(curl, CURLOPT_UPLOAD_BUFFERSIZE, 16_384)
        }
        if let down = rates.down {
            _ = millrace_curl_set_offset(curl, CURLOPT_MAX_RECV_SPEED_LARGE, curl_off_t(down))
        }
        if let up = rates.up { _ = millrace_curl_set_offset(curl, CURLOPT_MAX_SEND_SPEED_LARGE, curl_off_t(up)) }
        if let slowest = [rates.down, rates.up].compactMap({ $0 }).min(), slowest < 16_384 {
            let seconds = min(86_400, request.timeoutSeconds * 16_384 / Double(slowest))
            _ = millrace_curl_set_long(curl, CURLOPT_TIMEOUT_MS, Int(seconds * 1000))
        }
    }

    private func setCommon(_ request: HTTPRequest, userAgent: String, settings: HTTPSettings) {
        _ = millrace_curl_set_string(curl, CURLOPT_URL, request.url)
        _ = millrace_curl_set_string(curl, CURLOPT_USERAGENT, userAgent)
        _ = millrace_curl_set_string(curl, CURLOPT_PROTOCOLS_STR, "http,https")
        _ = millrace_curl_set_long(curl, CURLOPT_NOSIGNAL, 1)
        _ = millrace_curl_set_long(curl, CURLOPT_FOLLOWLOCATION, 0)
        _ = millrace_curl_set_long(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS)
        _ = millrace_curl_set_long(curl, CURLOPT_TCP_KEEPALIVE, 1)
        _ = millrace_curl_set_long(curl, CURLOPT_CONNECTTIMEOUT_MS, Int(settings.connectTimeoutSeconds * 1000))
        _ = millrace_curl_set_long(curl, CURLOPT_TIMEOUT_MS, Int(request.timeoutSeconds * 1000))
        _ = millrace_curl_set_long(curl, CURLOPT_LOW_SPEED_LIMIT, settings.lowSpeedBytesPerSecond)
        _ = millrace_curl_set_long(curl, CURLOPT_LOW_SPEED_TIME, Int(request.quietSeconds ?? settings.lowSpeedSeconds))
        if let file = settings.authorities { _ = millrace_curl_set_string(curl, CURLOPT_CAINFO, file) }
        if request.freshConnection {
            _ = millrace_curl_set_long(curl, CURLOPT_FRESH_CONNECT, 1)
            _ = millrace_curl_set_long(curl, CURLOPT_FORBID_REUSE, 1)
        }
        switch request.method {
        case "GET": _ = millrace_curl_set_long(curl, CURLOPT_HTTPGET, 1)
        case "HEAD": _ = millrace_curl_set_long(curl, CURLOPT_NOBODY, 1)
        default:
            _ = millrace_curl_set_long(curl, CURLOPT_POST, 1)
            _ = millrace_curl_set_string(curl, CURLOPT_CUSTOMREQUEST, request.method)
        }
        _ = millrace_curl_set_write(curl, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            guard let bytes, let context else { return 0 }
            let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
            let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
            let text = String(decoding: line, as: UTF8.self)
            exchange.header(text.last?.isNewline == true ? String(text.dropLast()) : text)
            exchange.received += size * count
            exchange.governor?.count(size * count)
            return size * count
        }
        _ = millrace_curl_set_write(curl, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            guard let bytes, let context else { return 0 }
            let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
            if !exchange.began {
                exchange.began = true
                exchange.sink.begin(exchange.head)
            }
            exchange.bodyBytes += size * count
            let taken = exchange.sink.take(UnsafeRawBufferPointer(start: bytes, count: size * count))
            return exchange.count(size * count) && taken ? size * count : 0
        }
    }

    private func fault(_ code: CURLcode, _ request: HTTPRequest, _ exchange: Exchange) -> Fault {
        if let problem = exchange.sink.problem {
            return Fault(problem.kind, "\(request.url): \(problem.message)", advice: problem.advice)
        }
        if exchange.isStopped, let governor = exchange.governor { return governor.fault }
        let said = String(decoding: errorText.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let reason = said.isEmpty ? String(cString: curl_easy_strerror(code)) : said
        // What changes something and was sent may have been done, or is being done now.
        let isUnderWay = ["POST", "PATCH"].contains(request.method) && long(CURLINFO_REQUEST_SIZE) > 0
        return CurlFailure.fault(
            code, url: request.url, reason: reason, answered: status > 0, isUnderWay: isUnderWay,
            bodyBytes: exchange.bodyBytes)
    }
}
