import Domain
import Storage

/// A work unit with its tasks, as a line of JSON in an archive. Every column of the row is in it: what is read back is
/// the row again, to the last bit. `work-units/ARCHIVE.md` describes it.
struct ArchivedUnit: Codable, Hashable {
    var id: Int64
    var label: String
    var app: String
    var container: String
    var containerBytes: Int64
    var flops: Double
    var credit: Int64
    var memoryBytes: Int64
    var diskBytes: Int64
    var outputBytesMax: Int64
    var flopsBound: Double
    var checkEach: Bool
    var rule: ArchivedRule
    var state: String
    var canonical: Int64?
    var failure: String?
    var revision: Int64
    var createdMs: Int64
    var updatedMs: Int64
    var tasks: [ArchivedTask]

    private static let tooManyErrors = "too many errors"
    private static let noAgreement = "no agreement"
    private static let unusable = "unusable: "

    /// - Throws: `StoreError.conflict` for a unit that has not ended.
    init(_ aggregate: WorkUnitAggregate) throws {
        let unit = aggregate.unit
        id = unit.id.rawValue
        label = unit.label
        app = unit.app
        container = unit.container.hex
        containerBytes = unit.containerBytes
        flops = unit.flops
        credit = unit.credit.microcobblestones
        memoryBytes = unit.memoryBytes
        diskBytes = unit.diskBytes
        outputBytesMax = unit.outputBytesMax
        flopsBound = unit.flopsBound
        checkEach = unit.checkEach
        rule = ArchivedRule(unit.replication)
        canonical = unit.state.canonical?.rawValue
        revision = unit.revision
        createdMs = unit.createdAt.milliseconds
        updatedMs = unit.updatedAt.milliseconds
        tasks = try aggregate.tasks.map { try ArchivedTask($0) }
        switch unit.state {
        case .validated: state = "validated"
        case .assembled: state = "assembled"
        case .purged: state = "purged"
        case .cancelled: state = "cancelled"
        case .failed(let reason):
            state = "failed"
            failure =
                switch reason {
                case .tooManyErrors: Self.tooManyErrors
                case .noAgreement: Self.noAgreement
                case .unusable(let why): Self.unusable + why
                }
        case .ready, .active, .comparing, .provisional:
            throw StoreError.conflict("work unit \(unit.id) has not ended")
        }
    }

    /// The row. - Throws: `StoreError.corrupt` naming what is none.
    func aggregate() throws -> WorkUnitAggregate {
        func wrong(_ field: String) -> StoreError { StoreError.corrupt("archived work unit \(id): \(field)") }
        guard let container = Digest(hex: container) else { throw wrong("container") }
        let found: WorkUnitState
        switch (state, canonical.map(TaskID.init(rawValue:))) {
        case ("validated", let canonical?): found = .validated(canonical: canonical)
        case ("assembled", let canonical?): found = .assembled(canonical: canonical)
        case ("purged", let canonical?): found = .purged(canonical: canonical)
        case ("cancelled", nil): found = .cancelled
        case ("failed", nil):
            switch failure {
            case Self.tooManyErrors: found = .failed(.tooManyErrors)
            case Self.noAgreement: found = .failed(.noAgreement)
            case let text? where text.hasPrefix(Self.unusable):
                found = .failed(.unusable(String(text.dropFirst(Self.unusable.count))))
            default: throw wrong("failure")
            }
        default: throw wrong("state")
        }
        let unit = WorkUnitRecord(
            id: WorkUnitID(rawValue: id), label: label, app: app, container: container, containerBytes: containerBytes,
            flops: flops, credit: Credit(microcobblestones: credit), memoryBytes: memoryBytes, diskBytes: diskBytes,
            outputBytesMax: outputBytesMax, flopsBound: flopsBound, checkEach: checkEach, replication: try rule.rule(),
            state: found, revision: revision, createdAt: Timestamp(milliseconds: createdMs),
            updatedAt: Timestamp(milliseconds: updatedMs))
        return WorkUnitAggregate(unit: unit, tasks: try tasks.map { try $0.task() })
    }
}

/// A replication rule in an archive.
struct ArchivedRule: Codable, Hashable {
    var quorum: Int
    var initial: Int
    var maxTotal: Int
    var maxErrors: Int
    var deadlineMs: Int64
    var acceptance: String
    var checkRate: Double?
    var window: Int?

    init(_ rule: ReplicationRule) {
        quorum = rule.quorum
        initial = rule.initial
        maxTotal = rule.maxTotal
        maxErrors = rule.maxErrors
        deadlineMs = rule.deadline.milliseconds
        switch rule.acceptance {
        case .quorum: acceptance = "quorum"
        case .check: acceptance = "check"
        case .adaptive(let adaptive):
            acceptance = "adaptive"
            checkRate = adaptive.checkRate
            window = adaptive.window
        }
    }

    func rule() throws -> ReplicationRule {
        let accepted: AcceptanceRule
        switch (acceptance, checkRate, window) {
        case ("quorum", nil, nil): accepted = .quorum
        case ("check", nil, nil): accepted = .check
        case ("adaptive", let rate?, let window?):
            accepted = .adaptive(AdaptiveRule(checkRate: rate, window: window))
        default: throw StoreError.corrupt("an archived rule of acceptance")
        }
        return ReplicationRule(
            quorum: quorum, initial: initial, maxTotal: maxTotal, maxErrors: maxErrors,
            deadline: TimeSpan(milliseconds: deadlineMs), acceptance: accepted)
    }
}
