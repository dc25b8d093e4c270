import Domain
import Engine
import Testing

@Suite("A trust record, computed anew from its verdicts")
struct TrustRecountTests {
    private static let partner = TaskID(rawValue: 1 << 42 | 1)

    private static func verdict(
        _ second: Int64, _ outcome: Verdict.Outcome, compared: Bool = true, reason: String = "agrees"
    ) -> Verdict {
        Verdict(
            outcome: outcome, decidedAt: Timestamp(seconds: second), comparedWith: compared ? partner : nil,
            difference: nil, reason: reason)
    }

    private static func recount(_ verdicts: [Verdict], optionalUntil: Int64 = -1) -> TrustRecount {
        var recount = TrustRecount()
        let isOptional = { (verdict: Verdict) in verdict.decidedAt <= Timestamp(seconds: optionalUntil) }
        for verdict in verdicts { recount.count(verdict, isOptional: isOptional(verdict)) }
        for verdict in verdicts { recount.weigh(verdict, isOptional: isOptional(verdict)) }
        return recount
    }

    /// The record that the rules give, step by step.
    private static func record(_ verdicts: [Verdict]) -> TrustRecord {
        verdicts.sorted { $0.decidedAt < $1.decidedAt }.reduce(TrustRecord(host: HostID(rawValue: 1), app: "a")) {
            step($0, $1)
        }
    }

    private static func step(_ record: TrustRecord, _ verdict: Verdict) -> TrustRecord {
        switch TrustRecount.isEvidence(verdict) {
        case true?: Trust.passed(record, now: verdict.decidedAt)
        case false?: Trust.failed(record, now: verdict.decidedAt)
        case nil: record
        }
    }

    static let day: Int64 = 86_400

    static let histories: [[Verdict]] = [
        [], [verdict(day, .valid)], [verdict(day, .invalid)],
        [verdict(day, .valid), verdict(50 * day, .valid), verdict(200 * day, .valid)],
        [verdict(3 * day, .valid), verdict(2 * day, .invalid), verdict(day, .valid), verdict(9 * day, .valid)],
        [verdict(day, .invalid), verdict(2 * day, .valid), verdict(30 * day, .invalid)],
        [
            verdict(day, .valid, compared: false, reason: "canonical: proven by its check"),
            verdict(2 * day, .valid, compared: false, reason: "stands"), verdict(3 * day, .inconclusive),
            verdict(4 * day, .tooLate),
        ],
    ]

    @Test(arguments: histories)
    func sameAsStepByStep(verdicts: [Verdict]) {
        for order in [verdicts, verdicts.reversed()] {
            let recount = Self.recount(order)
            let record = Self.record(verdicts)
            #expect(recount.differences(record).isEmpty, "\(recount.differences(record))")
            for column in ["passed", "failed", "streak", "evidence", "last_failed_ms"] {
                let found = recount.differences(Self.changed(record, column))
                #expect(found.map(\.column) == [column])
            }
        }
        var older = Self.record(verdicts)
        older.evidenceAt = Timestamp(seconds: 7)
        let hasEvidence = Self.recount(verdicts).newest != nil
        #expect(Self.recount(verdicts).differences(older).map(\.column) == (hasEvidence ? ["evidence_ms"] : []))
    }

    private static func changed(_ record: TrustRecord, _ column: String) -> TrustRecord {
        var other = record
        switch column {
        case "passed": other.passed += 1
        case "failed": other.failed += 1
        case "streak": other.streak += 1
        case "evidence": other.evidence += 0.01
        default: other.lastFailedAt = Timestamp(seconds: 7)
        }
        return other
    }

    @Test("What was judged in the millisecond of a failure may lie on either side of it")
    func ties() {
        let recount = Self.recount([Self.verdict(5, .valid), Self.verdict(5, .invalid), Self.verdict(6, .valid)])
        #expect(recount.streak.low == 1 && recount.streak.high == 2)
        #expect(recount.streak.contains(1) && recount.streak.contains(2) && !recount.streak.contains(3))
        #expect(recount.passed.description == "2" && recount.streak.description == "1 to 2")
    }

    @Test("Of a time without records, any part may be in one")
    func optional() {
        let old = [Self.verdict(1, .valid), Self.verdict(2, .invalid), Self.verdict(3, .valid)]
        let new = [Self.verdict(11, .valid), Self.verdict(12, .valid)]
        let recount = Self.recount(old + new, optionalUntil: 10)
        #expect(recount.differences(Self.record(old + new)).isEmpty)
        #expect(recount.differences(Self.record(new)).isEmpty)
        var bad = Self.record(new)
        bad.passed = 1
        #expect(recount.differences(bad).map(\.column) == ["passed"])
        bad = Self.record(new)
        bad.streak = 6
        #expect(recount.differences(bad).map(\.column) == ["streak"])
    }
}
