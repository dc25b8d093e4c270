import Domain
import Engine
import Testing

/// Credit and the laws of the ledger.
struct LedgerTests {
    private func entry(
        _ number: Int64, task: Int, host: Int = 0, amount: Int64 = 100, kind: LedgerKind = .grant
    ) -> LedgerEntry {
        var entry = Ledger.entry(
            kind, for: Fixture.task(task), Fixture.assignment(host), amount: Credit(microcobblestones: amount),
            project: "pulsar", at: Fixture.timely)
        entry.number = number
        return entry
    }

    @Test func creditIsThatOfTheUnit() {
        let day = 86_400.0 * 1e9
        #expect(CreditRuleBook.credit(flops: day, rule: CreditRule(factor: 1)).cobblestones == 200)
        #expect(CreditRuleBook.credit(flops: day, rule: CreditRule(factor: 0.5)).cobblestones == 100)
        #expect(CreditRuleBook.credit(flops: day, rule: CreditRule(factor: 0)) == .zero)
        #expect(CreditRuleBook.credit(flops: -1, rule: CreditRule(factor: 1)) == .zero)
        #expect(CreditRuleBook.credit(flops: .nan, rule: CreditRule(factor: 1)) == .zero)
        #expect(
            CreditRuleBook.credit(flops: 1e21, rule: CreditRule(factor: 10))
                == CreditRuleBook.credit(flops: 1e21, rule: CreditRule(factor: 1)))
    }

    @Test func grantGoesFromTheProjectToTheHost() {
        let entry = entry(1, task: 0, host: 3)
        #expect(entry.debit == .project("pulsar"))
        #expect(entry.credit == .host(Fixture.host(3)))
        #expect(entry.task == Fixture.task(0))
        #expect(Ledger.violation(in: [entry]) == nil)
    }

    @Test func soundLedgerBalances() {
        var audit = LedgerAudit()
        for number in 1...6 {
            let next = entry(Int64(number), task: number, host: number % 2, amount: Int64(number))
            #expect(audit.add(next) == nil)
        }
        #expect(audit.balance(of: .project("pulsar")) == Credit(microcobblestones: -21))
        #expect(audit.balance(of: .host(Fixture.host(0))) == Credit(microcobblestones: 12))
        #expect(audit.granted == Credit(microcobblestones: 21))
        #expect(audit.violationOfSum() == nil)
        let totals = [(host: Fixture.host(0), credit: Credit(microcobblestones: 12))]
        let missing = audit.violation(ofHostTotals: totals)
        #expect(missing == "hosts have 12, the ledger granted 21")
        let right = totals + [(host: Fixture.host(1), credit: Credit(microcobblestones: 9))]
        #expect(audit.violation(ofHostTotals: right) == nil)
        let wrong = [(host: Fixture.host(1), credit: Credit(microcobblestones: 10))]
        #expect(audit.violation(ofHostTotals: wrong) == "host 101 has 10, its ledger entries sum to 9")
    }

    @Test func everyBrokenLawIsFound() {
        func broken(_ change: (inout LedgerEntry) -> Void) -> String? {
            var second = entry(2, task: 1)
            change(&second)
            return Ledger.violation(in: [entry(1, task: 0), second])
        }
        #expect(broken { _ in } == nil)
        #expect(broken { $0.number = 3 }?.contains("no gap") == true)
        #expect(broken { $0.number = 1 }?.contains("no gap") == true)
        #expect(broken { $0.task = Fixture.task(0) }?.contains("after a grant") == true)
        #expect(broken { $0.amount = .zero }?.contains("expected above 0") == true)
        #expect(broken { $0.amount = Credit(microcobblestones: -1) }?.contains("expected above 0") == true)
        #expect(broken { $0.debit = .host(Fixture.host(1)) }?.contains("is a grant paid by") == true)
        #expect(broken { $0.project = "other" }?.contains("is a grant paid by") == true)
        #expect(broken { $0.credit = .project("pulsar") }?.contains("concerns no host") == true)
        #expect(broken { $0.credit = .provisional(Fixture.host(0)) }?.contains("is a grant paid to") == true)
        #expect(broken { $0.kind = .hold }?.contains("is a hold paid to") == true)
        #expect(broken { $0.amount = Credit(microcobblestones: .max) }?.contains("overflows") == true)
    }

    /// Every row of up to four entries for one task: only those that pay once at most are sound.
    @Test func everyOrderOfKindsIsJudged() {
        var sound: Set<[LedgerKind]> = []
        func extend(_ kinds: [LedgerKind]) {
            let entries = kinds.enumerated().map { entry(Int64($0.offset + 1), task: 0, kind: $0.element) }
            guard Ledger.violation(in: entries) == nil else { return }
            sound.insert(kinds)
            if kinds.count < 4 { for kind in LedgerKind.allCases { extend(kinds + [kind]) } }
        }
        extend([])
        #expect(sound == [[], [.grant], [.hold], [.hold, .release], [.hold, .void], [.hold, .void, .grant]])
        for kinds in sound {
            let paid = kinds.filter { $0 == .grant || $0 == .release }.count
            #expect(paid <= 1)
            let entries = kinds.map { entry(1, task: 0, kind: $0) }
            #expect(Ledger.isHeld(entries) == (kinds.last == .hold))
            #expect((Ledger.payment(after: entries) == nil) == (paid == 1))
        }
    }

    @Test func whatIsHeldIsNotGranted() {
        var audit = LedgerAudit()
        #expect(audit.add(entry(1, task: 0, amount: 7, kind: .hold)) == nil)
        #expect(audit.granted == .zero)
        #expect(audit.provisional.microcobblestones == 7)
        #expect(audit.add(entry(2, task: 0, amount: 8, kind: .release))?.contains("differs") == true)
        #expect(audit.add(entry(2, task: 0, host: 1, amount: 7, kind: .release))?.contains("differs") == true)
        #expect(audit.add(entry(2, task: 0, amount: 7, kind: .release)) == nil)
        #expect(audit.granted.microcobblestones == 7)
        #expect(audit.provisional == .zero)
        #expect(audit.violationOfSum() == nil)
    }
}
