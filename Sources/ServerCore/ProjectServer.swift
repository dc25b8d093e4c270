import Bytes
import Domain
import Storage

/// The server's decisions: values and a store in, values and changes out. Synchronous, without clock or threads.
///
/// Every function that takes a transaction does all its writes inside it. Functions that need blobs but no rows are
/// called outside of transactions, so that the writer thread never waits for a disk full of results.
public struct ProjectServer: Sendable {
    public let settings: ServerSettings
    public let keys: ServerKeys
    public let blobs: any BlobStore
    /// The checked manifest of a batch, by the hash of its text. May keep what it parsed.
    public let spec: @Sendable (Digest) throws -> ProjectSpec
    /// What the published releases say of version `version` of the program `name` now.
    public let programs: @Sendable (_ name: String, _ version: String, _ now: Timestamp) -> ProgramListing

    public init(
        settings: ServerSettings, keys: ServerKeys, blobs: any BlobStore,
        programs: @escaping @Sendable (_ name: String, _ version: String, _ now: Timestamp) -> ProgramListing = {
            _, _, _ in .denied("no releases are published here")
        },
        spec: @escaping @Sendable (Digest) throws -> ProjectSpec
    ) {
        self.settings = settings
        self.keys = keys
        self.blobs = blobs
        self.spec = spec
        self.programs = programs
    }
}

/// What an operator may set, and the pace of the server. All spans in seconds unless the name says otherwise.
public struct ServerSettings: Hashable, Sendable {
    /// What the site calls itself.
    public var site: String
    /// Folder of the answers: `<batch>/` for each finished one, `.tmp-<batch>` while it is written.
    public var resultsPath: String
    /// How many unsent tasks the scheduler looks at in order, when random places did not give enough: the oldest, for
    /// which the lot falls on most. More only when none of them fits the host, up to the maximum.
    public var candidatesFirst = 256
    public var candidatesMax = 256
    /// So often it looks at others behind batches that do not suit the host.
    public var looksMax = 16
    /// Tasks that a host holds and that are not out at it, looked at in one call.
    public var heldLook = 128
    /// Random places of a batch at which one call looks for tasks, at most.
    public var placesMax = 64
    /// They lie among so many unsent tasks at the head of the queue, so that what is looked at stays in memory however
    /// much waits.
    public var placesAmong = 16_384
    /// A host with work calls again no sooner than this.
    public var busyCallSeconds = 0.5
    /// A host that got nothing while batches run.
    public var waitingCallSeconds = 3.0
    /// A host that got nothing because there is nothing.
    public var idleCallSeconds = 10.0
    /// How long after the deadline an upload ticket is good.
    public var ticketGraceSeconds = 7.0 * 86_400
    /// Work units asked of the splitter at a time.
    public var splitDrafts = 250
    /// So many times one after the other, at most, before others have their turn of the worker.
    public var splitPieces = 40
    /// The splitter rests while this many units of its batch wait for their first host.
    public var readyUnitsMax: Int64 = 5000
    public var jobTimeoutSeconds = 300.0
    public var assembleTimeoutSeconds = 3600.0
    /// A result on which the worker of its check crashed this often counts as malformed.
    public var crashesMax = 2
    /// The same for a worker that ran out of time, which may as well be the fault of a busy machine.
    public var stallsMax = 10
    /// Failed checks and comparisons that are tried again at the same time, so that they leave workers to the others.
    public var retriesAtOnce = 4
    /// Units looked at for validation in one tick; units that must wait after a failure do not count, but no more
    /// than the maximum are gone through.
    public var validationLook = 512
    public var validationLookMax = 32_768
    /// Units of an old batch that one tick looks at for such as wait in vain for a further volunteer.
    public var waitingLook: Int64 = 64
    /// Units of a batch that was cancelled or has failed that one tick ends; units that go into an answer in one
    /// transaction. A few milliseconds of the writer's time.
    public var endingLook = 250
    /// Results that stand of which one tick draws at the close of a batch, and such as are counted for it.
    public var closingLook = 2000
    public var closingCountMax = 200_000
    /// A job that failed for reasons of the server's own machine is tried again after this long, then twice that ...
    public var retrySeconds = 1.0
    public var retrySecondsMax = 60.0

    public init(site: String, resultsPath: String) {
        self.site = site
        self.resultsPath = resultsPath
    }
}
