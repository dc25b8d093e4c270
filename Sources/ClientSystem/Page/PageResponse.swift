/// What the local page answers.
package struct PageResponse: Hashable, Sendable {
    package var status: Int
    package var type: String
    package var body: [UInt8]
    /// Besides those that every answer has.
    package var headers: [(name: String, value: String)] = []

    package init(_ status: Int, _ type: String, _ body: String) {
        self.status = status
        self.type = type
        self.body = Array(body.utf8)
    }

    package static func == (a: PageResponse, b: PageResponse) -> Bool { a.bytes == b.bytes }
    package func hash(into hasher: inout Hasher) { hasher.combine(bytes) }

    static func page(_ status: Int, _ markup: Markup) -> PageResponse {
        PageResponse(status, "text/html; charset=utf-8", markup.text)
    }

    static func redirect(to path: String) -> PageResponse {
        var response = PageResponse(303, "text/plain; charset=utf-8", "")
        response.headers = [("Location", path)]
        return response
    }

    package static let policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

    package var bytes: [UInt8] {
        var head = "HTTP/1.1 \(status) \(Self.words[status] ?? "Other")\r\n"
        let all: [(name: String, value: String)] = [
            ("Content-Type", type), ("Content-Length", "\(body.count)"), ("Connection", "close"),
            ("Cache-Control", "no-store"), ("Content-Security-Policy", Self.policy),
            ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"),
        ]
        for (name, value) in all + headers { head += "\(name): \(value)\r\n" }
        return Array((head + "\r\n").utf8) + body
    }

    private static let words = [
        200: "OK", 303: "See Other", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
        405: "Method Not Allowed", 408: "Request Timeout", 411: "Length Required", 413: "Content Too Large",
        414: "URI Too Long", 421: "Misdirected Request", 431: "Request Header Fields Too Large",
        501: "Not Implemented", 503: "Service Unavailable",
    ]
}
