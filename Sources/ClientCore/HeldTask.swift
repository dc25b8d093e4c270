import Domain

/// A task that this host holds, from its offer to its final receipt.
public struct HeldTask: Hashable, Sendable, Codable {
    public var offer: Offer
    /// What the verified work unit says; nil until it was verified.
    public var unit: UnitSummary?
    public var stage: Stage
    /// Over all runs of the task.
    public var used: Usage
    /// The last known progress, 0 ... 1; nil: none was told, or an older client wrote the state.
    public var fraction: Double?
    /// Its place in the order of arrival; nil: an older client took it, before all others.
    public var arrival: Int?
    /// Since when the user wants it to rest.
    public var suspendedSince: Timestamp?

    public var id: TaskID { offer.task }
    /// Whether it is verified and not over.
    var isReady: Bool { if case .ready = stage { true } else { false } }
    /// Whether something of it is computed.
    var isBegun: Bool { used.cpuSeconds > 0 || (fraction ?? 0) > 0 }

    public init(offer: Offer, unit: UnitSummary? = nil, stage: Stage = .offered, used: Usage = Usage()) {
        self.offer = offer
        self.unit = unit
        self.stage = stage
        self.used = used
    }

    /// Where a task is. Whether it runs at this moment is not part of it: a run does not survive a crash, a task does.
    public enum Stage: Hashable, Sendable, Codable {
        /// The work unit's container is not here yet.
        case offered
        /// Verified; it can run when its inputs are here.
        case ready
        /// The result lies in the task's folder until a receipt says that the server has it.
        case finished(ResultSummary)
        /// There is no result; the server must be told.
        case failed(code: TaskErrorCode, message: String)

        /// Whether computing is over.
        public var isOver: Bool {
            switch self {
            case .offered, .ready: false
            case .finished, .failed: true
            }
        }
    }
}

/// What the server said when it gave the task.
public struct Offer: Hashable, Sendable, Codable {
    public var task: TaskID
    public var project: String
    public var unit: Digest
    public var unitBytes: Int64
    /// By this host's clock.
    public var deadline: Timestamp
    public var estimatedSeconds: Double
    public var uploadTicket: String
    public var flops: Double

    public init(
        task: TaskID, project: String, unit: Digest, unitBytes: Int64, deadline: Timestamp,
        estimatedSeconds: Double, uploadTicket: String, flops: Double
    ) {
        self.task = task
        self.project = project
        self.unit = unit
        self.unitBytes = unitBytes
        self.deadline = deadline
        self.estimatedSeconds = estimatedSeconds
        self.uploadTicket = uploadTicket
        self.flops = flops
    }
}

/// What a client needs to know of a verified work unit.
public struct UnitSummary: Hashable, Sendable, Codable {
    public var label: String
    public var app: String
    public var appVersion: Int
    public var flopsBound: Double
    public var memoryBytes: Int64
    public var diskBytes: Int64
    public var outputBytesMax: Int64
    /// A zstd dictionary, where the unit names one, is the last of them.
    public var inputs: [Input]
    /// nil: a kernel of Millrace computes it.
    public var program: UnitProgram?

    /// A blob that must be here before the task can start.
    public struct Input: Hashable, Sendable, Codable {
        public var name: String
        public var digest: Digest
        /// nil for a dictionary, whose size the unit does not say; bounded by `Limits.dictionaryBytesMax`.
        public var size: Int64?
        public var packing: InputPacking

        public init(name: String, digest: Digest, size: Int64?, packing: InputPacking) {
            self.name = name
            self.digest = digest
            self.size = size
            self.packing = packing
        }
    }

    public init(
        label: String, app: String, appVersion: Int, flopsBound: Double, memoryBytes: Int64, diskBytes: Int64,
        outputBytesMax: Int64, inputs: [Input], program: UnitProgram? = nil
    ) {
        self.label = label
        self.app = app
        self.appVersion = appVersion
        self.flopsBound = flopsBound
        self.memoryBytes = memoryBytes
        self.diskBytes = diskBytes
        self.outputBytesMax = outputBytesMax
        self.inputs = inputs
        self.program = program
    }
}

/// A finished result, as it lies on disk.
public struct ResultSummary: Hashable, Sendable, Codable {
    public var digest: Digest
    public var bytes: Int64
    public var fingerprint: String
    /// Whether the server has the bytes already; small results need no upload.
    public var uploaded: Bool

    public init(digest: Digest, bytes: Int64, fingerprint: String, uploaded: Bool = false) {
        self.digest = digest
        self.bytes = bytes
        self.fingerprint = fingerprint
        self.uploaded = uploaded
    }

    /// Whether the result travels inside the report.
    public var isInline: Bool { bytes <= Int64(Limits.inlineBlobBytesMax) }
}

/// What a task has used, in seconds.
public struct Usage: Hashable, Sendable, Codable {
    public var cpuSeconds: Double
    public var wallSeconds: Double
    /// CPU seconds inside the app's kernel.
    public var kernelSeconds: Double

    public init(cpuSeconds: Double = 0, wallSeconds: Double = 0, kernelSeconds: Double = 0) {
        self.cpuSeconds = cpuSeconds
        self.wallSeconds = wallSeconds
        self.kernelSeconds = kernelSeconds
    }
}
