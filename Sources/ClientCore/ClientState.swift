import Bytes
import Domain
import FoundationEssentials

/// What the client must still know after a crash: saved before anything that depends on it is done.
///
/// The host's private key is not part of it; it lies in a file of its own.
public struct ClientState: Hashable, Sendable, Codable {
    public var attachment: Attachment
    /// Highest sequence number used in a request, or told by the server.
    public var sequence: Int64
    /// In order of task number.
    public var tasks: [HeldTask]
    public var account: Account
    public var totals: Totals
    /// Failed tasks since the last success.
    public var failuresInRow: Int
    /// Set after too many of them.
    public var failurePause: FailurePause?
    /// Fraction of the time in which this host computes, by `habits`; 0 while unknown.
    public var availability: Double
    /// When this host computes; nil: an older client wrote the state.
    public var habits: Habits?
    /// Seconds that the tasks which were lately taken need, exponentially averaged; nil: none was taken.
    public var typicalTaskSeconds: Double?
    /// nil: none, or an older client wrote the state.
    public var userWishes: UserWishes?
    /// FLOPs per CPU second of finished tasks by app, exponentially averaged.
    public var measuredFlopsPerSecond: [String: Double]

    public init(attachment: Attachment, sequence: Int64 = 0) {
        self.attachment = attachment
        self.sequence = sequence
        tasks = []
        account = Account()
        totals = Totals()
        failuresInRow = 0
        availability = 0
        measuredFlopsPerSecond = [:]
    }

    public var wishes: UserWishes {
        get { userWishes ?? UserWishes() }
        set { userWishes = newValue == UserWishes() ? nil : newValue }
    }

    /// Where this host works for, and as whom.
    public struct Attachment: Hashable, Sendable, Codable {
        /// Without a final slash.
        public var serverURL: String
        public var site: String
        /// Ed25519 public key of the project, 32 bytes: pinned when the volunteer attached.
        public var projectKey: [UInt8]
        public var host: HostID
        public var volunteerName: String

        public init(serverURL: String, site: String, projectKey: [UInt8], host: HostID, volunteerName: String) {
            self.serverURL = serverURL
            self.site = site
            self.projectKey = projectKey
            self.host = host
            self.volunteerName = volunteerName
        }
    }

    /// What the server last said of this host's account.
    public struct Account: Hashable, Sendable, Codable {
        public var creditMicrocobblestones: Int64 = 0
        /// Not final yet, and not part of the above; nil before a server has said it.
        public var provisionalMicrocobblestones: Int64?
        public var validTasks: Int64 = 0
        public var invalidTasks: Int64 = 0
        public init() {}
    }

    /// Sums over all tasks that have left this host.
    public struct Totals: Hashable, Sendable, Codable {
        public var reportedResults = 0
        public var reportedFailures = 0
        /// CPU seconds inside kernels.
        public var kernelSeconds = 0.0
        /// CPU seconds of ended workers, by the operating system's account.
        public var workerCPUSeconds = 0.0
        /// CPU seconds of the client itself.
        public var clientCPUSeconds = 0.0
        public init() {}
    }

    public subscript(task task: TaskID) -> HeldTask? {
        get { tasks.first { $0.id == task } }
        set {
            let at = tasks.firstIndex { $0.id >= task } ?? tasks.endIndex
            if at < tasks.endIndex, tasks[at].id == task { tasks.remove(at: at) }
            if let newValue { tasks.insert(newValue, at: at) }
        }
    }
}

/// The file that holds the state: JSON, closed by a hash, so that a damaged one is noticed and never half believed.
public enum StateFile {
    /// The version of everything in the data directory.
    public static let version = 1
    public static let bytesMax = 64 << 20

    public static func encode(_ state: ClientState) throws(Fault) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        do {
            let json = [UInt8](try encoder.encode(state)) + [UInt8(ascii: "\n")]
            return json + Array((SHA256Hash.digest(of: json).hex + "\n").utf8)
        } catch {
            throw Fault(.software, "the client's state cannot be encoded: \(error)")
        }
    }

    /// - Throws: `.badData` with the reason when the file is damaged.
    public static func decode(_ bytes: [UInt8]) throws(Fault) -> ClientState {
        guard bytes.count > 65, bytes.count <= bytesMax else {
            throw Fault(.badData, "the state file has \(bytes.count) bytes")
        }
        let json = Array(bytes.dropLast(65))
        let hash = String(decoding: bytes.suffix(65).dropLast(), as: UTF8.self)
        guard SHA256Hash.digest(of: json).hex == hash else {
            throw Fault(.badData, "the state file does not have the hash that it was written with")
        }
        do {
            return try JSONDecoder().decode(ClientState.self, from: Data(json))
        } catch {
            throw Fault(.badData, "the state file cannot be read: \(error)")
        }
    }
}
