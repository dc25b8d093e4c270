import Domain

/// What the verdicts on one unit say of the hosts that computed it.
///
/// Stored is one verdict per task, not every pair: each result was judged by the canonical one alone. So the results
/// that agree with the canonical one are a side, and each result that was refused in a comparison differs from that
/// side. Whether two refused results agree with each other was never stored; they are alike when their bytes are, or
/// when they part from the canonical result at the same element by exactly the same distance.
public struct UnitEvidence: Sendable {
    public let unit: WorkUnitID
    public let label: String
    /// Results were compared, and no quorum agreed.
    public let endedWithoutAgreement: Bool
    /// The unit's decided results in order of task number, but for those that came too late to be compared.
    public let results: [Result]

    /// A decided result.
    public struct Result: Sendable {
        public var task: TaskID
        public var host: HostID
        public var volunteer: VolunteerID
        public var reportedAt: Timestamp
        /// The hardware class: what the worker says of CPU and libraries.
        public var fingerprint: String
        public var digest: Digest
        public var finding: Finding
        public var verdict: Verdict
    }

    /// What is known of a result, strongest first within right and wrong.
    public enum Finding: Hashable, Sendable {
        /// A mathematical check proved it.
        case proven
        /// Results of other volunteers agree with it, and together they decided.
        case agreed
        /// It was accepted, and nobody has looked.
        case unchecked
        /// No result of this kind at all: a broken machine or program.
        case malformed
        /// Its claims did not stand recomputation.
        case refuted
        /// It differs from a result that a check has proved.
        case againstProven
        /// It differs from what so many other volunteers, two or more, agree on.
        case outvoted(by: Int)
        /// It differs from a single result that nobody has confirmed.
        case againstOne
        /// The unit ended without an accepted result.
        case undecided

        /// Whether it was refused.
        public var isRefused: Bool {
            switch self {
            case .malformed, .refuted, .againstProven, .outvoted, .againstOne: true
            case .proven, .agreed, .unchecked, .undecided: false
            }
        }

        /// Whether it was refused in a comparison with another result.
        public var isContradicted: Bool {
            switch self {
            case .againstProven, .outvoted, .againstOne: true
            case .proven, .agreed, .unchecked, .malformed, .refuted, .undecided: false
            }
        }
    }

    /// - Returns: nil when no result of the unit is decided.
    public init?(_ aggregate: WorkUnitAggregate) {
        let decided = aggregate.tasks.compactMap(Decided.init)
        guard !decided.isEmpty else { return nil }
        unit = aggregate.unit.id
        label = aggregate.unit.label
        endedWithoutAgreement = aggregate.unit.state == .failed(.noAgreement)
        let canonical = aggregate.unit.state.canonical
        let side = Set(decided.filter { $0.stands(with: canonical) }.map(\.assignment.volunteer))
        let isProven = decided.contains { $0.task == canonical && $0.isProven }
        results = decided.map { one in
            let others = side.subtracting([one.assignment.volunteer]).count
            let finding: Finding =
                switch one.verdict.outcome {
                case .valid:
                    one.isProven ? .proven : one.stands(with: canonical) && others > 0 ? .agreed : .unchecked
                case .invalid:
                    one.verdict.comparedWith != nil
                        ? isProven ? .againstProven : others >= 2 ? .outvoted(by: others) : .againstOne
                        : one.verdict.difference == nil ? .malformed : .refuted
                case .inconclusive, .tooLate: .undecided
                }
            return Result(
                task: one.task, host: one.assignment.host, volunteer: one.assignment.volunteer,
                reportedAt: one.report.reportedAt, fingerprint: one.report.fingerprint, digest: one.report.result,
                finding: finding, verdict: one.verdict)
        }
    }

    /// The results that agree with the canonical one, itself among them; a single one that nobody was compared with is
    /// no side.
    public var side: [Result] {
        let accepted = results.filter { $0.finding == .proven || $0.finding == .agreed }
        if !accepted.isEmpty { return accepted.count > 1 || hasContradicted ? accepted : [] }
        return hasContradicted ? results.filter { $0.finding == .unchecked } : []
    }

    /// The results that somebody may want to look at: the refused ones, and where no quorum agreed, all that were
    /// compared in vain.
    public var disputed: [Result] {
        let undecided = results.count { $0.finding == .undecided }
        return results.filter {
            $0.finding.isRefused || $0.finding == .undecided && endedWithoutAgreement && undecided > 1
        }
    }

    /// The results that differ from the side.
    public var contradicted: [Result] { results.filter { $0.finding.isContradicted } }

    private var hasContradicted: Bool { results.contains { $0.finding.isContradicted } }

    /// Whether two refused results say the same, as far as that is known.
    static func areAlike(_ a: Result, _ b: Result) -> Bool {
        guard a.finding.isRefused, b.finding.isRefused, a.finding != .malformed, b.finding != .malformed else {
            return false
        }
        if a.digest == b.digest { return true }
        guard let one = a.verdict.difference, let other = b.verdict.difference,
            a.verdict.comparedWith != nil, a.verdict.comparedWith == b.verdict.comparedWith
        else { return false }
        // A distance such as infinity is that of everything that is far off.
        return one.element == other.element && one.distance == other.distance && one.distance.isFinite
            && one.distance > 0
    }
}

/// A task in state decided.
private struct Decided {
    let task: TaskID
    let assignment: Assignment
    let report: TaskReport
    let verdict: Verdict

    init?(_ record: TaskRecord) {
        guard case .decided(let assignment, let report, let verdict) = record.state, verdict.outcome != .tooLate else {
            return nil
        }
        task = record.id
        self.assignment = assignment
        self.report = report
        self.verdict = verdict
    }

    var isProven: Bool { verdict.outcome == .valid && verdict.reason == WorkUnitTransition.provenReason }

    /// Whether it is the canonical result or agrees with it.
    func stands(with canonical: TaskID?) -> Bool {
        guard let canonical, verdict.outcome == .valid else { return false }
        return task == canonical || verdict.comparedWith == canonical
    }
}
