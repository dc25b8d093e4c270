/// A fault that is planted to see whether its checker finds it. Never part of an ordinary run.
public enum Plant: String, CaseIterable, Hashable, Sendable {
    /// The store says that a report is saved and saves nothing.
    case dropsReport
    /// The blob store says that a blob is put and keeps nothing.
    case losesBlob
    /// A unit gets its canonical result from a single report.
    case falseQuorum
    /// A volunteer's row gets every credit twice.
    case grantsTwice
    /// A client's disk lets go of a finished result before its receipt.
    case dropsResult
    /// A deadline that passes is not noticed.
    case neverExpires
    /// Two tasks of a unit lie with one volunteer.
    case secondReplica
    /// The scheduler believes every host to be a thousand times as fast.
    case ignoresSpeed
    /// Clients believe that their buffer is ten hours.
    case overFetches
    /// Results beyond a unit's bound are taken.
    case unbounded
    /// A request that is refused leaves something behind.
    case refusedWrites
    /// A later report takes the place of the first.
    case changesReport
    /// A unit that has ended is opened again.
    case reopens
    /// The validator agrees with everything.
    case agreesWithAll
    /// Every worker computes the same wrong value.
    case sharedBug
    /// Windows are taken for passed at once.
    case shortWindow
    /// The log leaves something out.
    case logForgets
    /// Something draws a number that the seed does not determine.
    case unseeded

    /// The checker that must find it.
    public var caughtBy: String {
        switch self {
        case .dropsReport, .losesBlob: "acknowledged"
        case .falseQuorum, .agreesWithAll, .shortWindow: "quorum"
        case .logForgets: "log"
        case .grantsTwice: "credit"
        case .dropsResult: "client keeps"
        case .neverExpires: "ending"
        case .secondReplica: "replicas"
        case .ignoresSpeed: "feasible"
        case .overFetches: "over-fetch"
        case .unbounded: "bounds"
        case .refusedWrites: "refusal"
        case .changesReport: "first report"
        case .reopens: "finality"
        case .sharedBug: "truth"
        case .unseeded: "trace"
        }
    }
}
