/// What the server knows of a host.
///
/// Records are copied at every look and change, and all copies of one share key and profile, which hardly ever change:
/// whoever sets one gets both for himself.
public struct HostRecord: Hashable, Sendable {
    public var id: HostID
    public var volunteer: VolunteerID
    @usableFromInline
    var fixed: HostFixed
    /// Highest sequence number seen; a request with a lower or equal one is a replay.
    public var sequence: Int64
    /// Measured speed: FLOPs of valid work over its wall seconds, exponentially averaged; nil until measured.
    public var measuredFlopsPerSecond: Double?
    public var validCount: Int64
    public var invalidCount: Int64
    public var errorCount: Int64
    /// The balance of this host's account.
    public var credit: Credit
    /// The balance of this host's provisional account; not part of `credit`.
    public var provisionalCredit: Credit
    public var recent: RecentAverage
    public var createdAt: Timestamp
    public var lastSeenAt: Timestamp
    /// When it lost its authority: its volunteer removed it, it left, or the volunteer was erased. Nil: it may call.
    public var removedAt: Timestamp?

    public init(
        id: HostID, volunteer: VolunteerID, publicKey: [UInt8], profile: HostProfile, sequence: Int64,
        measuredFlopsPerSecond: Double?, validCount: Int64, invalidCount: Int64, errorCount: Int64, credit: Credit,
        provisionalCredit: Credit = .zero, recent: RecentAverage = .zero, createdAt: Timestamp, lastSeenAt: Timestamp,
        removedAt: Timestamp? = nil
    ) {
        self.id = id
        self.volunteer = volunteer
        fixed = HostFixed(publicKey, profile)
        self.sequence = sequence
        self.measuredFlopsPerSecond = measuredFlopsPerSecond
        self.validCount = validCount
        self.invalidCount = invalidCount
        self.errorCount = errorCount
        self.credit = credit
        self.provisionalCredit = provisionalCredit
        self.recent = recent
        self.createdAt = createdAt
        self.lastSeenAt = lastSeenAt
        self.removedAt = removedAt
    }

    /// Ed25519 public key, 32 bytes: the host's identity.
    @inlinable public var publicKey: [UInt8] {
        get { fixed.publicKey }
        set { fixed = HostFixed(newValue, fixed.profile) }
    }
    @inlinable public var profile: HostProfile {
        get { fixed.profile }
        set { fixed = HostFixed(fixed.publicKey, newValue) }
    }
}

/// Key and profile of a host, on the heap for all copies of its record.
@usableFromInline
final class HostFixed: Hashable, Sendable, CustomStringConvertible {
    @usableFromInline let publicKey: [UInt8]
    @usableFromInline let profile: HostProfile

    @usableFromInline
    init(_ publicKey: [UInt8], _ profile: HostProfile) {
        self.publicKey = publicKey
        self.profile = profile
    }

    /// What two records share need not be compared; it is the same in most comparisons.
    @usableFromInline
    static func == (a: HostFixed, b: HostFixed) -> Bool {
        a === b || a.publicKey == b.publicKey && a.profile == b.profile
    }

    @usableFromInline
    func hash(into hasher: inout Hasher) {
        hasher.combine(publicKey)
        hasher.combine(profile)
    }

    /// What is printed of a record says all of it.
    @usableFromInline
    var description: String { "\(publicKey) \(profile)" }
}

/// What a host says of itself; used for feasibility, never for credit.
public struct HostProfile: Hashable, Sendable {
    /// A name for people, for example the machine's host name; at most 64 bytes.
    public var name: String
    /// For example `x86_64-linux`.
    public var platform: String
    public var cpuModel: String
    public var cores: Int
    public var memoryBytes: Int64
    public var diskFreeBytes: Int64
    /// FLOPs per second of one core by the client's own short benchmark.
    public var benchmarkFlopsPerSecond: Double
    public var clientVersion: String

    public init(
        name: String, platform: String, cpuModel: String, cores: Int, memoryBytes: Int64, diskFreeBytes: Int64,
        benchmarkFlopsPerSecond: Double, clientVersion: String
    ) {
        self.name = name
        self.platform = platform
        self.cpuModel = cpuModel
        self.cores = cores
        self.memoryBytes = memoryBytes
        self.diskFreeBytes = diskFreeBytes
        self.benchmarkFlopsPerSecond = benchmarkFlopsPerSecond
        self.clientVersion = clientVersion
    }

    /// Of a host whose volunteer was erased: nothing of the machine.
    public static let erased = HostProfile(
        name: "erased", platform: "erased", cpuModel: "", cores: 1, memoryBytes: 0, diskFreeBytes: 0,
        benchmarkFlopsPerSecond: 0, clientVersion: "")
}

/// The owner of hosts.
public struct VolunteerRecord: Hashable, Sendable {
    public var id: VolunteerID
    /// Chosen by the volunteer; shown on pages; at most 64 bytes, no control characters. It says who somebody is to
    /// people; the number says it to the server, and two volunteers may have one name.
    public var name: String
    /// The sum of the credit of this volunteer's hosts.
    public var credit: Credit
    public var recent: RecentAverage
    /// Whether the statistics files may say which hosts are this volunteer's, and what machines they are.
    public var showsHosts: Bool
    public var createdAt: Timestamp
    /// When the personal data were erased at the volunteer's wish; nil: they were not.
    public var erasedAt: Timestamp?

    /// The name of everybody who was erased.
    public static let erasedName = "erased volunteer"

    public init(
        id: VolunteerID, name: String, credit: Credit, recent: RecentAverage = .zero, showsHosts: Bool = false,
        createdAt: Timestamp, erasedAt: Timestamp? = nil
    ) {
        self.id = id
        self.name = name
        self.credit = credit
        self.recent = recent
        self.showsHosts = showsHosts
        self.createdAt = createdAt
        self.erasedAt = erasedAt
    }
}
