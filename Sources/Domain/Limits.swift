/// Every bound of the system in one place. Decoders check them before they allocate.
public enum Limits {
    // Names and text.
    public static let projectNameBytesMax = 64
    public static let volunteerNameBytesMax = 64
    public static let teamNameBytesMax = 64
    /// What one volunteer may do in 24 hours: teams that are founded, memberships that begin.
    public static let teamsFoundedPerDayMax = 2
    public static let membershipsPerDayMax = 10
    /// How long a link code is good, how many a volunteer may ask for in 24 hours, and how long the server remembers
    /// that there was one.
    public static let linkCodeSeconds: Double = 15 * 60
    public static let linkCodesPerDayMax = 20
    public static let linkCodesKeptSeconds: Double = 30 * 86_400
    /// Hosts that a list of a volunteer's hosts holds.
    public static let hostsPerListMax = 1000
    /// Rows of whomever that one request of an export looks at, and its own that it returns.
    public static let exportLookMax = 20_000
    public static let exportRowsMax = 1000
    public static let messageBytesMax = 4096
    /// A short text of a message: CPU model, version, app or parameter name.
    public static let wordBytesMax = 256
    public static let inputNameBytesMax = 128

    // Project and batch.
    public static let manifestBytesMax = 256 * 1024
    public static let inputsPerProjectMax = 64
    /// 64 GiB. Only inputs with packing `raw` come near it: they are never in memory, so the disks are the bound, which
    /// a project states (`resources.disk`) and a server guards (its reserve). The other packings have tighter limits.
    public static let inputBytesMax = 64 << 30
    public static let parametersMax = 64
    /// A packed table, decompressed; also a CSV file that becomes one.
    public static let tableBytesMax = 1 << 30
    public static let tableColumnsMax = 256
    /// An input with packing `plain`, decompressed.
    public static let plainInputBytesMax = 1 << 30
    public static let workUnitsPerBatchMax: Int64 = 10_000_000
    public static let splitDraftsPerStepMax = 1000

    // Work unit.
    public static let workUnitBytesMax = 16 << 20
    public static let workUnitSectionsMax = 32
    public static let sectionBytesMax = 64 << 20
    /// Sum of the decompressed sections of one work unit.
    public static let workUnitRawBytesMax = 256 << 20
    public static let sectionNameBytesMax = 64
    public static let dictionaryBytesMax = 128 * 1024
    public static let resultBytesMax = 1 << 30
    public static let inlineBlobBytesMax = 64 * 1024
    public static let flopsMax = 1e21
    public static let replicasMax = 32
    public static let quorumMax = 16
    /// Results that a window of adaptive replication can span: one failed check voids as many in one transaction.
    public static let windowMax = 1000
    public static let programArgumentsMax = 64
    public static let programArgumentBytesMax = 1024
    /// Name and version of a program in release metadata.
    public static let programWordBytesMax = 64
    /// Platforms of programs that a host can name.
    public static let programPlatformsMax = 8
    /// Days of a fast machine. Exact as a double, so that a manifest can say it as `1e15`.
    public static let fuelMax: Int64 = 1_000_000_000_000_000_000
    public static let deadlineSecondsMin: Double = 1
    public static let deadlineSecondsMax: Double = 366 * 86_400

    // Requests.
    /// A higher request number would leave a host none to go on with.
    public static let sequenceMax: Int64 = 1 << 62
    public static let rpcBytesMax = 8 << 20
    /// A call inside of a session, whose sender is known only when all of it is there.
    public static let callBytesMax = 256 * 1024
    public static let reportsPerRequestMax = 256
    public static let tasksPerReplyMax = 64
    public static let heldTasksPerRequestMax = 1024
    /// How often one field may be repeated in one message, where nothing tighter is said.
    public static let repeatedFieldsMax = 65_536
    public static let messageDepthMax = 16
    public static let uploadChunkBytesMax = 16 << 20

    // Worker children.
    public static let workerReplyBytesMax = 64 << 20
    public static let checkpointBytesMax = 256 << 20
    public static let workerLogBytesMax = 64 * 1024
}
