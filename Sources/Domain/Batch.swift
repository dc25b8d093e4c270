/// One submission of a project.
public struct BatchRecord: Hashable, Sendable {
    public var id: BatchID
    /// The project's name.
    public var project: String
    public var title: String
    public var app: String
    /// The manifest's text, a blob.
    public var manifest: Digest
    /// The input files as blobs, in the manifest's order: (name, packed bytes, size of the packed blob).
    public var inputs: [InputReference]
    public var replication: ReplicationRule
    public var state: BatchState
    /// Where the splitter goes on; opaque bytes of the app. Empty at the start.
    public var cursor: [UInt8]
    /// Whether the splitter has said that there is no more.
    public var splitFinished: Bool
    public var workUnitCount: Int64
    public var createdAt: Timestamp
    public var finishedAt: Timestamp?

    public init(
        id: BatchID, project: String, title: String, app: String, manifest: Digest, inputs: [InputReference],
        replication: ReplicationRule, state: BatchState, cursor: [UInt8], splitFinished: Bool, workUnitCount: Int64,
        createdAt: Timestamp, finishedAt: Timestamp?
    ) {
        self.id = id
        self.project = project
        self.title = title
        self.app = app
        self.manifest = manifest
        self.inputs = inputs
        self.replication = replication
        self.state = state
        self.cursor = cursor
        self.splitFinished = splitFinished
        self.workUnitCount = workUnitCount
        self.createdAt = createdAt
        self.finishedAt = finishedAt
    }
}

/// An input as the wire knows it.
public struct InputReference: Hashable, Sendable {
    public var name: String
    /// SHA-256 of the packed bytes.
    public var digest: Digest
    /// Size of the packed bytes.
    public var size: Int64
    public var packing: InputPacking

    public init(name: String, digest: Digest, size: Int64, packing: InputPacking) {
        self.name = name
        self.digest = digest
        self.size = size
        self.packing = packing
    }
}

/// The life of a batch.
public enum BatchState: Hashable, Sendable {
    /// Units are being made, sent, validated.
    case running
    /// Every unit has ended; the answer is being put together.
    case assembling
    /// The answer lies in the results folder.
    case finished
    /// The answer could not be made; the reason is for the scientist.
    case failed(String)
    case cancelled

    /// Whether nothing more of the batch is sent.
    public var hasEnded: Bool {
        switch self {
        case .running, .assembling: false
        case .finished, .failed, .cancelled: true
        }
    }
}
