import Domain

/// Computes a host's record for one app anew from its judged results, in two passes and in any order, so that a stored
/// record can be held against it.
///
/// First every verdict is counted, which finds the last failure and the newest result; then, with `weigh`, those that
/// passed since. Results judged in the same millisecond as the last failure may lie before or behind it, and so may
/// those of a time from which no record was kept; for them both ways are allowed.
public struct TrustRecount: Hashable, Sendable {
    public private(set) var passed = Span()
    public private(set) var failed = Span()
    public private(set) var streak = Span()
    /// As of `newest`.
    public private(set) var evidenceLow = 0.0
    public private(set) var evidenceHigh = 0.0
    /// When the newest result that counts was judged; nil: none was.
    public private(set) var newest: Timestamp?
    public private(set) var lastFailed: Timestamp?
    /// A failure of which it is not known whether the record counts it.
    private var isFailureOptional = false

    /// A count of which not every part is certain.
    public struct Span: Hashable, Sendable, CustomStringConvertible {
        public var low: Int64 = 0
        public var high: Int64 = 0

        public func contains(_ value: Int64) -> Bool { low <= value && value <= high }
        public var description: String { low == high ? "\(low)" : "\(low) to \(high)" }

        mutating func add(isOptional: Bool) {
            high += 1
            if !isOptional { low += 1 }
        }
    }

    public init() {}

    /// Whether a verdict is evidence: true for a result that passed, false for one that failed, nil for neither.
    public static func isEvidence(_ verdict: Verdict) -> Bool? {
        switch verdict.outcome {
        case .valid:
            verdict.comparedWith != nil || verdict.reason == WorkUnitTransition.provenReason ? true : nil
        case .invalid: false
        case .inconclusive, .tooLate: nil
        }
    }

    /// First pass. - Parameter isOptional: whether it was judged before records were kept for certain.
    public mutating func count(_ verdict: Verdict, isOptional: Bool = false) {
        guard let isPassed = Self.isEvidence(verdict) else { return }
        newest = max(newest ?? verdict.decidedAt, verdict.decidedAt)
        guard !isPassed else { return passed.add(isOptional: isOptional) }
        failed.add(isOptional: isOptional)
        if lastFailed.map({ $0 <= verdict.decidedAt }) ?? true {
            isFailureOptional = isOptional && (lastFailed != verdict.decidedAt || isFailureOptional)
            lastFailed = verdict.decidedAt
        }
    }

    /// Second pass, over the same verdicts.
    public mutating func weigh(_ verdict: Verdict, isOptional: Bool = false) {
        guard Self.isEvidence(verdict) == true, let newest else { return }
        let one = TrustRecord(host: HostID(rawValue: 1), app: "", evidence: 1, evidenceAt: verdict.decidedAt)
        let weight = Trust.evidence(one, now: newest)
        if let lastFailed, verdict.decidedAt < lastFailed {
            guard isFailureOptional else { return }
            streak.add(isOptional: true)
            evidenceHigh += weight
            return
        }
        let isUncertain = isOptional || verdict.decidedAt == lastFailed
        streak.add(isOptional: isUncertain)
        evidenceHigh += weight
        if !isUncertain { evidenceLow += weight }
    }

    /// What a stored record says otherwise: the column, what is stored, what the verdicts give.
    public func differences(_ record: TrustRecord) -> [(column: String, stored: String, expected: String)] {
        var found: [(column: String, stored: String, expected: String)] = []
        for (column, stored, span) in [
            ("passed", record.passed, passed), ("failed", record.failed, failed), ("streak", record.streak, streak),
        ] where !span.contains(stored) {
            found.append((column, "\(stored)", "\(span)"))
        }
        // Another order of adding gives other last digits.
        let slack = 1e-6 * max(1, evidenceHigh)
        if record.evidence < evidenceLow - slack || record.evidence > evidenceHigh + slack {
            let expected = evidenceLow == evidenceHigh ? "\(evidenceHigh)" : "\(evidenceLow) to \(evidenceHigh)"
            found.append(("evidence", "\(record.evidence)", expected))
        }
        let isCertain = passed.low == passed.high && failed.low == failed.high
        if isCertain, record.lastFailedAt != lastFailed {
            found.append(("last_failed_ms", Self.text(record.lastFailedAt), Self.text(lastFailed)))
        }
        if isCertain, let newest, record.evidenceAt != newest {
            found.append(("evidence_ms", Self.text(record.evidenceAt), Self.text(newest)))
        }
        return found
    }

    private static func text(_ time: Timestamp?) -> String { time.map { "\($0.milliseconds)" } ?? "NULL" }
}
