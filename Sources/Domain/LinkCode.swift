/// A code that lets one further host join a volunteer: eight letters of Crockford's base 32, 40 random bits.
///
/// For people: shown as `K7QF-2M9T`, read in either case, with or without the hyphen; I and L are read as 1, O as 0, so
/// that no two letters can be mistaken for each other. U is not used.
public struct LinkCode: Hashable, Sendable, CustomStringConvertible {
    /// Eight letters of the alphabet.
    public let letters: String

    public static let randomByteCount = 5
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    private static let letterCount = 8

    /// - Parameter random: `randomByteCount` bytes, every value as likely as any other.
    public init(random: [UInt8]) {
        precondition(random.count == LinkCode.randomByteCount)
        let number = random.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        letters = String((0..<8).map { LinkCode.alphabet[Int(number >> (35 - 5 * $0) & 31)] })
    }

    /// - Parameter text: as a person types it; nil when it is no code.
    public init?(_ text: String) {
        guard text.utf8.count <= 64 else { return nil }
        let read = text.filter { $0 != "-" && $0 != " " }.uppercased().map { letter -> Character in
            switch letter {
            case "I", "L": "1"
            case "O": "0"
            default: letter
            }
        }
        guard read.count == LinkCode.letterCount, read.allSatisfy({ LinkCode.alphabet.contains($0) }) else {
            return nil
        }
        letters = String(read)
    }

    public var description: String { "\(letters.prefix(4))-\(letters.suffix(4))" }
}

/// What the server keeps of a link code: never the code itself.
public struct LinkCodeRecord: Hashable, Sendable {
    /// A keyed hash of the code.
    public var digest: Digest
    public var volunteer: VolunteerID
    /// Who asked for it.
    public var host: HostID
    public var createdAt: Timestamp
    /// The first moment at which it is good no more. A newer code of the same volunteer brings it forward.
    public var expiresAt: Timestamp
    /// The host that joined with it; nil: none did.
    public var usedBy: HostID?
    public var usedAt: Timestamp?

    public init(
        digest: Digest, volunteer: VolunteerID, host: HostID, createdAt: Timestamp, expiresAt: Timestamp,
        usedBy: HostID? = nil, usedAt: Timestamp? = nil
    ) {
        self.digest = digest
        self.volunteer = volunteer
        self.host = host
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.usedBy = usedBy
        self.usedAt = usedAt
    }
}
