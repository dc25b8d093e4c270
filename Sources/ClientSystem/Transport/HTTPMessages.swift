/// One header line.
public struct HTTPHeader: Hashable, Sendable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// What is asked of a server.
public struct HTTPRequest: Hashable, Sendable {
    /// `GET`, `HEAD`, `POST`, `PATCH`.
    public var method: String
    /// `http` or `https`, absolute.
    public var url: String
    public var headers: [HTTPHeader]
    /// Sent by `POST` and `PATCH`.
    public var body: [UInt8]
    /// Bytes of a body that are accepted; more is an error.
    public var responseBytesMax: Int
    /// For the whole exchange. Unless it is given, a minute and what the largest bodies take at 16 KiB/s: a slow line
    /// is no fault, and one on which nothing moves is given up by `HTTPSettings.lowSpeedSeconds`.
    public var timeoutSeconds: Double
    /// How long nothing may move; nil: `HTTPSettings.lowSpeedSeconds`. For what the server answers after long work.
    public var quietSeconds: Double?
    /// On a connection of its own. A reused one may die unanswered, and libcurl then sends the request again by itself:
    /// what must not happen twice needs this.
    public var freshConnection: Bool
    /// Which of the rates of a client's owner it has.
    package var kind = TransferGovernor.Kind.call
    /// It can be taken up where it stopped, so it lets others have their turn.
    var givesWay = false

    public init(
        method: String, url: String, headers: [HTTPHeader] = [], body: [UInt8] = [],
        responseBytesMax: Int = 8 << 20, timeoutSeconds: Double? = nil, quietSeconds: Double? = nil,
        freshConnection: Bool = false
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.responseBytesMax = responseBytesMax
        let bodies = Double(body.count) + Double(responseBytesMax)
        self.timeoutSeconds = timeoutSeconds ?? min(86_400, 60 + bodies / 16_384)
        self.quietSeconds = quietSeconds
        self.freshConnection = freshConnection
    }
}

/// What a server answered.
public struct HTTPResponse: Hashable, Sendable {
    public var status: Int
    /// Names in lower case; of repeated headers the last one.
    public var headers: [String: String]
    public var body: [UInt8]

    public init(status: Int, headers: [String: String], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The media type without parameters, in lower case; empty when there is none.
    public var mediaType: String {
        let value = headers["content-type"] ?? ""
        return value.split(separator: ";").first.map { $0.filter { $0 != " " }.lowercased() } ?? ""
    }

    /// What stands between us and the server, a hotel's log-in page for example, answers 200 as well.
    var isWebPage: Bool { ["text/html", "application/xhtml+xml"].contains(mediaType) }
}
