import Domain
import Testing
import Transparency

@Suite("The laws of the ledger, from the leaves alone")
struct CreditLawTests {
    private static func task(_ ordinal: Int) -> TaskID {
        TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 1), index: 3), ordinal: ordinal)
    }

    private static let ada = HostID(rawValue: 1)
    private static let eve = HostID(rawValue: 2)

    private static func entry(
        _ kind: LoggedCredit.Kind, _ debit: LoggedCredit.Account, _ credit: LoggedCredit.Account, _ task: Int = 0,
        amount: Int64 = 5
    ) -> LoggedCredit {
        LoggedCredit(
            number: 0, kind: kind, debit: debit, credit: credit, amount: Credit(microcobblestones: amount),
            task: Self.task(task))
    }

    private static let grant = entry(.final, .project("p"), .host(ada))
    private static let hold = entry(.provisional, .project("p"), .provisional(ada))
    private static let release = entry(.final, .provisional(ada), .host(ada))
    private static let void = entry(.void, .provisional(ada), .project("p"))

    /// Numbers them from 1; leaf numbers are ten times that.
    private func laws(_ entries: [LoggedCredit]) -> CreditLaws {
        var laws = CreditLaws()
        for (at, entry) in entries.enumerated() {
            var entry = entry
            entry.number = Int64(at) + 1
            laws.add(entry, leaf: Int64(at + 1) * 10)
        }
        return laws
    }

    @Test func whatAServerWritesIsSound() {
        let other = Self.entry(.final, .project("p"), .host(Self.eve), 1, amount: 7)
        let sound: [([LoggedCredit], Int64)] = [
            ([Self.grant], 5), ([Self.hold], 0), ([Self.hold, Self.release], 5), ([Self.hold, Self.void], 0),
            ([Self.hold, other, Self.void, Self.grant], 5),
        ]
        for (entries, balance) in sound {
            let laws = laws(entries)
            #expect(laws.first == nil)
            #expect(laws.balance(of: Self.ada) == balance)
        }
    }

    struct Broken: Sendable {
        var name: String
        var entries: [LoggedCredit]
        var words: String
    }

    static let broken: [Broken] = [
        Broken(name: "double grant", entries: [grant, grant], words: "paid for good"),
        Broken(name: "grant after release", entries: [hold, release, grant], words: "paid for good"),
        Broken(name: "second release", entries: [hold, release, release], words: "paid for good"),
        Broken(name: "void of what is paid", entries: [hold, release, void], words: "paid for good"),
        Broken(name: "release without hold", entries: [release], words: "releases what was not held"),
        Broken(name: "release after void", entries: [hold, void, release], words: "releases what was not held"),
        Broken(name: "void without hold", entries: [void], words: "voids what was not held"),
        Broken(name: "second void", entries: [hold, void, void], words: "voids what was not held"),
        Broken(name: "second hold", entries: [hold, hold], words: "not the first"),
        Broken(name: "hold after void", entries: [hold, void, hold], words: "not the first"),
        Broken(name: "grant beside hold", entries: [hold, grant], words: "beside what is held"),
        Broken(
            name: "release of more", entries: [hold, entry(.final, .provisional(ada), .host(ada), amount: 6)],
            words: "is over 6, the one before it over 5"),
        Broken(
            name: "void of less", entries: [hold, entry(.void, .provisional(ada), .project("p"), amount: 4)],
            words: "is over 4, the one before it over 5"),
        Broken(
            name: "void to another project", entries: [hold, entry(.void, .provisional(ada), .project("q"))],
            words: "another project"),
        Broken(
            name: "void of another host's", entries: [hold, entry(.void, .provisional(eve), .project("p"))],
            words: "of host 2, the one before it of host 1"),
        Broken(
            name: "release to another", entries: [hold, entry(.final, .provisional(ada), .host(eve))],
            words: "goes from host 1 to host 2"),
        Broken(
            name: "grant of another after void",
            entries: [hold, void, entry(.final, .project("p"), .host(eve))], words: "of host 2"),
        Broken(
            name: "from host to host", entries: [entry(.final, .host(ada), .host(eve))], words: "do not belong"),
        Broken(
            name: "void of what is final", entries: [grant, entry(.void, .host(ada), .project("p"), 1)],
            words: "do not belong"),
        Broken(
            name: "more than can be counted",
            entries: [grant, entry(.final, .project("p"), .host(ada), 1, amount: .max)], words: "beyond"),
    ]

    @Test(arguments: broken)
    func theFirstLeafThatBreaksOneIsNamed(broken: Broken) throws {
        let breach = try #require(laws(broken.entries).first, "\(broken.name)")
        #expect(breach.leaf == Int64(broken.entries.count) * 10)
        #expect(breach.reason.contains(broken.words), "\(breach)")
        // What comes later does not take its place.
        #expect(laws(broken.entries + [Self.void, Self.void]).first == breach)
    }

    /// Entries of other units may be told of earlier or later, none twice.
    @Test func numbersInAnyOrderButOnce() {
        var laws = CreditLaws()
        var entry = Self.grant
        entry.number = 2
        laws.add(entry, leaf: 4)
        #expect(laws.first == nil)
        entry.task = TaskID(rawValue: entry.task.rawValue + 64)
        entry.number = 1
        laws.add(entry, leaf: 5)
        #expect(laws.first == nil)
        entry.task = TaskID(rawValue: entry.task.rawValue + 64)
        laws.add(entry, leaf: 6)
        #expect(laws.first == CreditLaws.Breach(leaf: 6, reason: "entry 1 is told of a second time"))
    }
}
