import Domain

/// A request of a browser to the local page.
package struct PageRequest: Hashable, Sendable {
    package enum Method: String, Hashable, Sendable { case get = "GET", post = "POST" }

    package var method: Method
    /// Without what follows `?`.
    package var path: String
    package var query: String
    /// By names in small letters; each at most once.
    package var headers: [String: String]
    package var body: [UInt8]

    package init(
        method: Method, path: String, query: String = "", headers: [String: String] = [:], body: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// Fields of a form or of a query; of those that are there twice, none counts.
    package static func fields(_ text: String) -> [String: String] {
        var fields: [String: String] = [:]
        var seen: Set<String> = []
        for pair in text.split(separator: "&").prefix(32) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(parts[0]), let value = decoded(parts.count > 1 ? parts[1] : "") else { continue }
            fields[name] = seen.insert(name).inserted ? value : nil
        }
        return fields
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                else { return nil }
                bytes.append(code)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// Reads one request of HTTP/1.1 from bytes that come in any pieces. It takes what browsers send, and refuses the rest:
/// a page for one person needs no leniency.
package struct PageRequestReader: Sendable {
    package enum Outcome: Hashable, Sendable {
        case more
        case request(PageRequest)
        /// With this status; the connection is to be closed.
        case refused(Int)
    }

    package static let headBytesMax = 8192
    package static let bodyBytesMax = 4096
    private static let headersMax = 64
    private static let targetBytesMax = 1024

    private var bytes: [UInt8] = []
    private var head: PageRequest?
    private var bodyBytes = 0

    package init() {}

    package mutating func take(_ new: some Sequence<UInt8>) -> Outcome {
        bytes += new
        if head == nil {
            guard let end = Self.headEnd(bytes) else {
                return bytes.count > Self.headBytesMax ? .refused(431) : .more
            }
            guard end <= Self.headBytesMax else { return .refused(431) }
            switch Self.parse(bytes[..<end]) {
            case .success(let request): head = request
            case .failure(let refusal): return .refused(refusal.status)
            }
            bytes.removeFirst(end + 4)
            switch Self.length(head) {
            case .success(let length): bodyBytes = length
            case .failure(let refusal): return .refused(refusal.status)
            }
        }
        guard var request = head else { return .refused(400) }
        // One request on each connection: whatever is beyond it is no request of ours.
        guard bytes.count <= bodyBytes else { return .refused(400) }
        guard bytes.count == bodyBytes else { return .more }
        request.body = bytes
        return .request(request)
    }

    private struct Refusal: Error { var status: Int }

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for at in 0...min(bytes.count - 4, headBytesMax)
        where bytes[at] == 13 && bytes[at + 1] == 10 && bytes[at + 2] == 13 && bytes[at + 3] == 10 { return at }
        return nil
    }

    private static func parse(_ head: ArraySlice<UInt8>) -> Result<PageRequest, Refusal> {
        // Only printable ASCII and line ends: no browser sends other bytes here.
        guard head.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 13 || $0 == 10 }) else {
            return .failure(Refusal(status: 400))
        }
        let lines = String(decoding: head, as: UTF8.self).replacing("\r\n", with: "\n")
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard !lines.contains(where: { $0.utf8.contains(13) }), lines.count <= headersMax + 1 else {
            return .failure(Refusal(status: lines.count > headersMax + 1 ? 431 : 400))
        }
        let words = lines[0].split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0", words[1].hasPrefix("/") else {
            return .failure(Refusal(status: 400))
        }
        guard let method = PageRequest.Method(rawValue: String(words[0])) else {
            return .failure(Refusal(status: 405))
        }
        guard words[1].utf8.count <= targetBytesMax else { return .failure(Refusal(status: 414)) }
        let target = words[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let (name, value) = header(line), headers.updateValue(value, forKey: name) == nil else {
                return .failure(Refusal(status: 400))
            }
        }
        return .success(
            PageRequest(
                method: method, path: String(target[0]), query: target.count > 1 ? String(target[1]) : "",
                headers: headers))
    }

    private static func header(_ line: Substring) -> (String, String)? {
        guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else { return nil }
        let name = line[..<colon]
        guard name.utf8.allSatisfy({ isToken($0) }) else { return nil }
        let value = line[line.index(after: colon)...].drop { $0 == " " }
        return (name.lowercased(), String(value.reversed().drop { $0 == " " }.reversed()))
    }

    private static func isToken(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    private static func length(_ request: PageRequest?) -> Result<Int, Refusal> {
        guard let request, request.headers["transfer-encoding"] == nil else { return .failure(Refusal(status: 501)) }
        guard let text = request.headers["content-length"] else {
            return request.method == .post ? .failure(Refusal(status: 411)) : .success(0)
        }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text.utf8.count <= 9, let length = Int(text) else {
            return .failure(Refusal(status: 400))
        }
        guard request.method == .post || length == 0 else { return .failure(Refusal(status: 400)) }
        return length <= bodyBytesMax ? .success(length) : .failure(Refusal(status: 413))
    }
}
