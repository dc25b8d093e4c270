import Domain

/// Everything that an operator may choose: in a file, a line `name = value` each, or as flags, which win.
///
/// Lines that are empty or begin with `#` say nothing. A name may stand once, but for `trust-proxy`.
public struct ServerConfiguration: Hashable, Sendable {
    public var data: String?
    /// See `DatabaseAddress`; nil: SQLite in the data directory.
    public var database: String?
    public var bucket = Bucket()
    public var listen = "127.0.0.1:8080"
    public var site = "Millrace"
    /// nil: half the cores.
    public var workers: Int?
    public var web: String?
    /// See `LogLevels`.
    public var log = "info"
    public var trustedProxies: [String] = []
    public var limits = ServerLimits()

    /// Where blobs lie when not in the data directory. Keys for it are in a file of their own or in the environment.
    public struct Bucket: Hashable, Sendable {
        /// `s3://BUCKET/PREFIX`.
        public var blobs: String?
        public var endpoint: String?
        public var region: String?
        /// A path.
        public var credentials: String?
        public var all = false
    }

    public static let fileBytesMax = 256 * 1024
    private static let names = [
        "data", "database", "blobs", "s3-endpoint", "s3-region", "s3-credentials", "s3-all", "listen", "site",
        "workers",
        "web", "log", "trust-proxy", "limit.NAME",
    ]

    public init() {}

    /// Takes over what a file says.
    /// - Parameter path: for messages.
    /// - Throws: `Fault` of kind `.configuration` that begins with path and line.
    public mutating func read(_ text: String, path: String) throws(Fault) {
        var seen: [String: Int] = [:]
        for (at, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = String(raw).trimmed
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            let place = "\(path):\(at + 1)"
            guard let equals = line.firstIndex(of: "=") else {
                throw Fault(
                    .configuration, "\(place): \"\(PrintableText.clean(line))\" is no line of the form name = value",
                    advice: "comments begin with #")
            }
            let name = String(line[..<equals]).trimmed
            if let before = seen.updateValue(at + 1, forKey: name), name != "trust-proxy" {
                throw Fault(
                    .configuration, "\(place): \(PrintableText.clean(name)) stands in line \(before) already")
            }
            do {
                try set(name, to: String(line[line.index(after: equals)...]).trimmed)
            } catch {
                throw Fault(.configuration, "\(place): \(error.message)", advice: error.advice)
            }
        }
    }

    /// Sets one thing by its name in the file.
    /// - Throws: `Fault` of kind `.usage`.
    public mutating func set(_ name: String, to value: String) throws(Fault) {
        guard !value.isEmpty else { throw Fault(.usage, "\(PrintableText.clean(name)) has no value") }
        switch name {
        case "data": data = value
        case "database":
            try DatabaseAddress.check(value)
            database = value
        case "blobs": bucket.blobs = value
        case "s3-endpoint": bucket.endpoint = value
        case "s3-region": bucket.region = value
        case "s3-credentials": bucket.credentials = value
        case "s3-all":
            guard ["yes", "no"].contains(value) else {
                throw Fault(.usage, "s3-all is \(PrintableText.clean(value)), neither yes nor no")
            }
            bucket.all = value == "yes"
        case "listen":
            _ = try WebServer.Address(value)
            listen = value
        case "site":
            guard value.utf8.count <= 256 else { throw Fault(.usage, "site needs 1 to 256 bytes") }
            site = value
        case "workers":
            guard let number = Int(value), (1...1024).contains(number) else {
                throw Fault(.usage, "workers is \(PrintableText.clean(value)), not a number from 1 to 1024")
            }
            workers = number
        case "web": web = value
        case "log":
            _ = try LogLevels(value)
            log = value
        case "trust-proxy":
            guard NetworkPrefix.isAddress(value) else {
                throw Fault(
                    .usage, "trust-proxy \(PrintableText.clean(value)) is no IP address",
                    advice: "for example 127.0.0.1; names are not looked up")
            }
            trustedProxies.append(value)
        case _ where name.hasPrefix("limit."): try limits.set(String(name.dropFirst(6)), to: value)
        default:
            throw Fault(
                .usage, "there is no setting \(PrintableText.clean(name))",
                advice: "the settings are " + ServerConfiguration.names.joined(separator: ", "))
        }
    }

    /// Sets a limit by `NAME=VALUE`, as the flag `--limit` says it.
    public mutating func setLimit(_ text: String) throws(Fault) {
        guard let equals = text.firstIndex(of: "=") else {
            throw Fault(.usage, "--limit \(text) is not NAME=VALUE", advice: "for example --limit connections=4096")
        }
        try limits.set(String(text[..<equals]), to: String(text[text.index(after: equals)...]))
    }
}

extension ServerConfiguration {
    /// Reads a file. - Throws: `Fault` of kind `.noInput` when it cannot be read, else as `read`.
    public mutating func readFile(_ path: String) throws(Fault) {
        let bytes: [UInt8]?
        do { bytes = try FileAccess.read(path, limit: ServerConfiguration.fileBytesMax + 1) } catch {
            throw Fault(
                .noInput, "the configuration \(path) cannot be read", advice: "check --config and its permissions")
        }
        guard let bytes else {
            throw Fault(.noInput, "there is no configuration file \(path)", advice: "check --config")
        }
        guard bytes.count <= ServerConfiguration.fileBytesMax else {
            throw Fault(.configuration, "\(path) has more than \(ServerConfiguration.fileBytesMax) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Fault(.configuration, "\(path) is no UTF-8 text")
        }
        try read(text, path: path)
    }
}
