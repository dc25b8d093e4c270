import Domain

/// Every bound that an operator may change, with its default. `docs/admin.md` lists them; a test compares the two.
///
/// The defaults come from two thoughts. A network with hundreds of volunteers behind one address is welcome: each of
/// their clients holds up to four connections and calls at most once a second, mostly once in ten. And one address
/// should never have more than a tenth of what a small server can do, some 2,000 calls a second. A whole network may
/// have half of it, if it has hosts enough: calls are bounded by host, too.
public struct ServerLimits: Hashable, Sendable {
    // Connections.
    public var connections = 16_384
    public var connectionsPerAddress = 1024
    public var connectionsPerNetwork = 4096
    public var headSeconds = 15
    public var bodySeconds = 120
    public var bodyBytesPerSecond = 1024
    public var idleSeconds = 60
    public var crowdedIdleSeconds = 5
    public var replyStallSeconds = 30

    // Requests.
    public var writerQueue = 4096
    public var bodyBytes = 256 << 20
    public var addressBurst = 2000
    public var addressPerSecond = 200
    public var networkBurst = 8000
    public var networkPerSecond = 1000
    public var hostBurst = 60
    public var hostPerSecond = 2
    public var uploadBurst = 256
    public var uploadPerSecond = 64
    public var registerBurst = 120
    public var registerPerSecond = 2
    public var sessionBurst = 1000
    public var sessionPerSecond = 20
    public var accountBurst = 60
    public var accountPerSecond = 1
    public var exportBurst = 40
    public var exportPerSecond = 4
    /// Registrations with a link code, from one network and together.
    public var linkBurst = 10
    public var linkSecondsEach = 60
    public var linkAllBurst = 60
    public var linkAllSecondsEach = 1
    /// Whether the limits by address and network hold for this machine's own addresses.
    public var countLoopback = 0

    // Disk.
    public var diskReserveMiB = 1024
    public var diskReservePercent = 5

    // Ending.
    public var drainSeconds = 0
    public var graceSeconds = 10

    public init() {}

    /// For a benchmark: no rates, so that few hosts may ask for all that a server can do.
    public static var withoutRates: ServerLimits {
        var limits = ServerLimits()
        limits.hostBurst = Entry.numberMax
        limits.hostPerSecond = Entry.numberMax
        limits.uploadBurst = Entry.numberMax
        limits.uploadPerSecond = Entry.numberMax
        limits.registerBurst = Entry.numberMax
        return limits
    }
}

extension ServerLimits {
    /// One bound as an operator sees it.
    public struct Entry: Sendable {
        public var name: String
        public var unit: String
        public var least: Int
        public var about: String
        let path: @Sendable () -> WritableKeyPath<ServerLimits, Int>

        static let numberMax = 1 << 40

        init(
            _ name: String, _ path: @autoclosure @escaping @Sendable () -> WritableKeyPath<ServerLimits, Int>,
            _ unit: String, least: Int = 1, _ about: String
        ) {
            self.name = name
            self.unit = unit
            self.least = least
            self.about = about
            self.path = path
        }
    }

    public subscript(entry: Entry) -> Int {
        get { self[keyPath: entry.path()] }
        set { self[keyPath: entry.path()] = newValue }
    }

    /// In the order in which they are documented.
    public static let entries: [Entry] = connectionEntries + requestEntries + otherEntries

    private static let connectionEntries = [
        Entry("connections", \.connections, "connections", "open at once; the next ones get 503"),
        Entry("connections-per-address", \.connectionsPerAddress, "connections", "from one address (IPv6: /64)"),
        Entry("connections-per-network", \.connectionsPerNetwork, "connections", "from one /24 (IPv6: /48)"),
        Entry("head-seconds", \.headSeconds, "s", "from the first byte of a request's head to its last"),
        Entry("body-seconds", \.bodySeconds, "s", "for the body of one request"),
        Entry(
            "body-bytes-per-second", \.bodyBytesPerSecond, "bytes/s", least: 0,
            "a body must come faster, after head-seconds of grace"),
        Entry("idle-seconds", \.idleSeconds, "s", "for a connection between requests"),
        Entry(
            "crowded-idle-seconds", \.crowdedIdleSeconds, "s",
            "the same, while three quarters of the connections are taken"),
        Entry("reply-stall-seconds", \.replyStallSeconds, "s", "for a reply of which nobody takes another byte"),
    ]

    private static let requestEntries = [
        Entry("writer-queue", \.writerQueue, "requests", "that wait for the database; the next ones get 503"),
        Entry("body-bytes", \.bodyBytes, "bytes", "of request bodies in memory; what is beyond gets 503"),
        Entry("address-burst", \.addressBurst, "requests", "at once from one address"),
        Entry("address-per-second", \.addressPerSecond, "requests/s", "from one address"),
        Entry("network-burst", \.networkBurst, "requests", "at once from one network"),
        Entry("network-per-second", \.networkPerSecond, "requests/s", "from one network"),
        Entry("host-burst", \.hostBurst, "calls", "of the scheduler at once by one host"),
        Entry("host-per-second", \.hostPerSecond, "calls/s", "of the scheduler by one host"),
        Entry("upload-burst", \.uploadBurst, "chunks", "of results at once by one host"),
        Entry("upload-per-second", \.uploadPerSecond, "chunks/s", "of results by one host"),
        Entry("register-burst", \.registerBurst, "hosts", "registered at once from one address"),
        Entry("register-per-second", \.registerPerSecond, "hosts/s", "registered from one address"),
        Entry("session-burst", \.sessionBurst, "sessions", "opened at once from one address"),
        Entry("session-per-second", \.sessionPerSecond, "sessions/s", "opened from one address"),
        Entry("account-burst", \.accountBurst, "requests", "about accounts and teams at once from one address"),
        Entry("account-per-second", \.accountPerSecond, "requests/s", "about accounts and teams from one address"),
        Entry("export-burst", \.exportBurst, "pages", "of a volunteer's export at once by one host"),
        Entry("export-per-second", \.exportPerSecond, "pages/s", "of a volunteer's export by one host"),
        Entry("link-burst", \.linkBurst, "codes", "tried at once from one network"),
        Entry("link-seconds-each", \.linkSecondsEach, "s", "until the next link code from one network"),
        Entry("link-all-burst", \.linkAllBurst, "codes", "tried at once from everywhere"),
        Entry("link-all-seconds-each", \.linkAllSecondsEach, "s", "until the next link code from everywhere"),
        Entry(
            "count-loopback", \.countLoopback, "0 or 1", least: 0,
            "1: limits by address hold for 127.0.0.1 and ::1, too"),
    ]

    private static let otherEntries = [
        Entry("disk-reserve-mib", \.diskReserveMiB, "MiB", least: 0, "that uploads leave free on the disk, or"),
        Entry("disk-reserve-percent", \.diskReservePercent, "%", least: 0, "of the disk, whichever is less"),
        Entry("drain-seconds", \.drainSeconds, "s", least: 0, "of not being ready before nothing new is accepted"),
        Entry("grace-seconds", \.graceSeconds, "s", "for requests that run when the server ends"),
    ]

    /// Sets a bound by its name.
    /// - Throws: `Fault` of kind `.usage` that names the bound, or the ones there are.
    public mutating func set(_ name: String, to text: String) throws(Fault) {
        guard let entry = ServerLimits.entries.first(where: { $0.name == name }) else {
            throw Fault(
                .usage, "there is no limit \(name)",
                advice: "the limits are " + ServerLimits.entries.map(\.name).joined(separator: ", "))
        }
        guard let number = Int(text), (entry.least...Entry.numberMax).contains(number) else {
            throw Fault(
                .usage, "limit \(name) is \(text), not a whole number of \(entry.unit) from \(entry.least)",
                advice: "its default is \(ServerLimits()[entry])")
        }
        self[entry] = number
    }
}
