import Bytes
import Domain
import Foundation
import Testing
import Transparency

@Suite struct LeafTests {
    struct Golden: Sendable {
        var name: String
        var leaf: LedgerLeaf
        /// Written by hand from work-units/LEDGER.md with another program.
        var hex: String
    }

    static let task = TaskID(unit: WorkUnitID(batch: BatchID(rawValue: 1), index: 25), ordinal: 0)
    static let second = TaskID(unit: task.unit, ordinal: 1)
    static let host = HostID(rawValue: 7)

    private static func credit(
        _ number: Int64, _ kind: LoggedCredit.Kind, _ debit: LoggedCredit.Account, _ credit: LoggedCredit.Account,
        _ amount: Int64, _ task: TaskID = task
    ) -> LedgerLeaf.Event {
        .credit(
            LoggedCredit(
                number: number, kind: kind, debit: debit, credit: credit, amount: Credit(microcobblestones: amount),
                task: task))
    }

    private static func leaf(_ milliseconds: Int64, _ event: LedgerLeaf.Event) -> LedgerLeaf {
        LedgerLeaf(at: Timestamp(milliseconds: milliseconds), event: event)
    }

    static let samples: [Golden] = [
        Golden(
            name: "verdict",
            leaf: leaf(
                1_700_000_000_123,
                .verdict(
                    LoggedVerdict(
                        task: task, host: host, outcome: .valid,
                        reason: LoggedVerdict.digest(ofReason: "agreed"), canonical: task))),
            hex: "01017b68e5cf8b01000040060000000400000700000000000000019eace41237dcecc2fd793cf88494b80062"
                + "add70fac8358316003ac38866257da4006000000040000"),
        Golden(
            name: "inconclusive verdict",
            leaf: leaf(
                0,
                .verdict(
                    LoggedVerdict(
                        task: second, host: HostID(rawValue: .max), outcome: .inconclusive,
                        reason: LoggedVerdict.digest(ofReason: ""), canonical: nil))),
            hex: "010100000000000000004106000000040000ffffffffffffff7f03e3b0c44298fc1c149afbf4c8996fb92427"
                + "ae41e4649b934ca495991b7852b8550000000000000000"),
        Golden(
            name: "provisional credit",
            leaf: leaf(
                1_700_000_000_123,
                credit(1, .provisional, .project("gamma-pulsar"), .provisional(host), 1_500_000)),
            hex: "01027b68e5cf8b010000010000000000000001010c0067616d6d612d70756c73617203070000000000000060"
                + "e31600000000004006000000040000"),
        Golden(
            name: "final credit",
            leaf: leaf(1_700_000_000_124, credit(2, .final, .provisional(host), .host(host), 1_500_000)),
            hex: "01027c68e5cf8b01000002000000000000000203070000000000000002070000000000000060e31600000000"
                + "004006000000040000"),
        Golden(
            name: "void credit",
            leaf: leaf(
                1_700_000_000_125,
                credit(3, .void, .provisional(HostID(rawValue: 8)), .project("gamma-pulsar"), 1, second)),
            hex: "01027d68e5cf8b010000030000000000000003030800000000000000010c0067616d6d612d70756c73617201"
                + "000000000000004106000000040000"),
        Golden(
            name: "admin act",
            leaf: leaf(
                1_700_000_000_126,
                .adminAct(LoggedAdminAct(actor: "admin", act: "cancel", object: "batch 7, “Jagd”"))),
            hex: "01037e68e5cf8b010000050061646d696e060063616e63656c1300626174636820372c20e2809c4a616764e2"
                + "809d"),
        Golden(
            name: "release",
            leaf: leaf(
                1_700_000_000_127,
                .release(
                    LoggedRelease(
                        project: "gamma-pulsar", manifest: SHA256Hash.digest(of: Array("name: x\n".utf8)),
                        app: "gamma-pulsar", version: 2, key: Array(0..<32)))),
            hex: "01047f68e5cf8b0100000c0067616d6d612d70756c736172a2a79ea37edb1963efaae29281523ab441a8a99d"
                + "f048d204f22f3f413e325afc0c0067616d6d612d70756c73617202000000000102030405060708090a0b0c0d"
                + "0e0f101112131415161718191a1b1c1d1e1f"),
        Golden(
            name: "verdict with its basis",
            leaf: leaf(
                1_700_000_000_123,
                .verdict(
                    LoggedVerdict(
                        task: task, host: host, outcome: .valid,
                        reason: LoggedVerdict.digest(ofReason: "agreed"), canonical: task,
                        basis: LoggedVerdict.Basis(
                            result: hash("result"), comparedWith: second, seal: hash("seal"))))),
            hex: "01057b68e5cf8b01000040060000000400000700000000000000019eace41237dcecc2fd793cf88494b80062"
                + "add70fac8358316003ac38866257da4006000000040000f6a214f7a5fcda0c2cee9660b7fc29f5649e3c68aa"
                + "d48e20e950137c98913a684106000000040000f0f668bf610e5cf9f11d2aa50f924ada10797100e8f05de085"
                + "842ddb6370a867"),
        Golden(
            name: "invalid verdict by the check alone",
            leaf: leaf(
                1_700_000_000_128,
                .verdict(
                    LoggedVerdict(
                        task: second, host: HostID(rawValue: 8), outcome: .invalid,
                        reason: LoggedVerdict.digest(ofReason: ""), canonical: nil,
                        basis: LoggedVerdict.Basis(
                            result: hash("result"), comparedWith: nil, seal: hash("seal"))))),
            hex: "01058068e5cf8b0100004106000000040000080000000000000002e3b0c44298fc1c149afbf4c8996fb92427"
                + "ae41e4649b934ca495991b7852b8550000000000000000f6a214f7a5fcda0c2cee9660b7fc29f5649e3c68aa"
                + "d48e20e950137c98913a680000000000000000f0f668bf610e5cf9f11d2aa50f924ada10797100e8f05de085"
                + "842ddb6370a867"),
        Golden(
            name: "rows",
            leaf: leaf(
                1_700_000_000_129,
                .rows(
                    LoggedRows(
                        table: .workUnit, first: task.unit.rawValue, seals: [hash("result"), hash("seal")]))),
            hex: "01068168e5cf8b0100000219000000100000000200f6a214f7a5fcda0c2cee9660b7fc29f5649e3c68aad48e"
                + "20e950137c98913a68f0f668bf610e5cf9f11d2aa50f924ada10797100e8f05de085842ddb6370a867"),
    ]

    static func hash(_ text: String) -> Digest { SHA256Hash.digest(of: Array(text.utf8)) }

    @Test(arguments: samples)
    func golden(sample: Golden) throws {
        #expect(Hex.encode(try sample.leaf.encoded()) == sample.hex)
        #expect(try LedgerLeaf(Hex.decode(sample.hex)!) == sample.leaf)
    }

    /// The examples of the format's document are among the samples.
    @Test func theDocumentSaysTheSame() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "work-units/LEDGER.md"), encoding: .utf8)
        let blocks = text.components(separatedBy: "```")
        for sample in [Self.samples[0], Self.samples[7]] {
            #expect(blocks.contains { $0.filter { $0.isHexDigit }.hasSuffix(sample.hex) }, "\(sample.name)")
        }
    }

    @Test func tasksOfLeaves() {
        let tasks = [Self.task, Self.second, Self.task, Self.task, Self.second, nil, nil, Self.task, Self.second, nil]
        #expect(Self.samples.map(\.leaf.task) == tasks)
        guard case .verdict(let verdict) = Self.samples[0].leaf.event else { return #expect(Bool(false)) }
        #expect(verdict.unit == Self.task.unit)
    }

    /// Cut, lengthened and changed bytes: refused, or another value with exactly these bytes.
    @Test(arguments: samples)
    func strict(sample: Golden) throws {
        let bytes = try sample.leaf.encoded()
        for count in 0..<bytes.count {
            #expect(throws: LeafRefusal.self) { try LedgerLeaf(Array(bytes.prefix(count))) }
        }
        #expect(throws: LeafRefusal.trailingBytes(1)) { try LedgerLeaf(bytes + [0]) }
        #expect(throws: LeafRefusal.version(2)) { try LedgerLeaf([2] + bytes.dropFirst()) }
        #expect(throws: LeafRefusal.kind(9)) { try LedgerLeaf([1, 9] + bytes.dropFirst(2)) }
        for at in bytes.indices {
            for bit in 0..<8 {
                var other = bytes
                other[at] ^= 1 << UInt8(bit)
                guard let leaf = try? LedgerLeaf(other) else { continue }
                #expect(leaf != sample.leaf)
                #expect(try leaf.encoded() == other)
            }
        }
    }

    @Test func randomBytesNeverTrap() throws {
        var random = SeededGenerator(seed: 17)
        var read = 0
        for _ in 0..<20_000 {
            var bytes = try Self.samples[random.nextIndex(below: Self.samples.count)].leaf.encoded()
            for _ in 0...random.nextIndex(below: 3) {
                bytes[random.nextIndex(below: bytes.count)] = UInt8(random.nextIndex(below: 256))
            }
            bytes.removeLast(random.nextIndex(below: 2))
            guard let leaf = try? LedgerLeaf(bytes) else { continue }
            read += 1
            #expect(try leaf.encoded() == bytes)
        }
        #expect(read > 1000)
    }

    @Test func valuesOutOfRangeAreNotEncoded() {
        func field(_ event: LedgerLeaf.Event, at: Int64 = 0) -> LeafRefusal? {
            do throws(LeafRefusal) {
                _ = try Self.leaf(at, event).encoded()
                return nil
            } catch { return error }
        }
        func act(_ actor: String, _ act: String, _ object: String) -> LeafRefusal? {
            field(.adminAct(LoggedAdminAct(actor: actor, act: act, object: object)))
        }
        func release(_ project: String, _ app: String, _ version: Int, _ key: Int) -> LeafRefusal? {
            let key = [UInt8](repeating: 1, count: key)
            return field(
                .release(
                    LoggedRelease(
                        project: project, manifest: LogHash.empty, app: app, version: version, key: key)))
        }
        func verdict(_ task: Int64, _ host: Int64, _ canonical: TaskID?) -> LeafRefusal? {
            field(
                .verdict(
                    LoggedVerdict(
                        task: TaskID(rawValue: task), host: HostID(rawValue: host), outcome: .valid,
                        reason: LogHash.empty, canonical: canonical)))
        }
        #expect(act("a", "b", "c") == nil)
        #expect(act("", "b", "c") == .field("actor") && act("a", "b\u{7}", "c") == .field("act"))
        #expect(act("a", "b", String(repeating: "c", count: 257)) == .field("object"))
        #expect(act("a", "b", String(repeating: "c", count: 70_000)) == .field("object"))
        #expect(release("p", "a", 1, 32) == nil)
        #expect(release("p", "a", 0, 32) == .field("version") && release("p", "a", -1, 32) == .field("version"))
        #expect(release("p", "a", 1, 31) == .field("key") && release("p", "", 1, 32) == .field("app"))
        #expect(verdict(Self.task.rawValue, 1, nil) == nil)
        #expect(verdict(5, 1, nil) == .field("task") && verdict(Self.task.rawValue, 0, nil) == .field("host"))
        #expect(verdict(Self.task.rawValue, 1, TaskID(rawValue: 0)) == .field("task"))
        let stranger = TaskID(rawValue: Self.task.rawValue + 64)
        #expect(verdict(Self.task.rawValue, 1, stranger) == .field("canonical"))
        func basis(_ compared: TaskID) -> LeafRefusal? {
            let basis = LoggedVerdict.Basis(result: LogHash.empty, comparedWith: compared, seal: LogHash.empty)
            return field(
                .verdict(
                    LoggedVerdict(
                        task: Self.task, host: Self.host, outcome: .valid, reason: LogHash.empty, canonical: nil,
                        basis: basis)))
        }
        #expect(basis(Self.second) == nil)
        #expect(basis(stranger) == .field("compared_with") && basis(Self.task) == .field("compared_with"))
        func rows(_ first: Int64, _ count: Int) -> LeafRefusal? {
            let seals = [Digest](repeating: LogHash.empty, count: count)
            return field(.rows(LoggedRows(table: .batch, first: first, seals: seals)))
        }
        #expect(rows(1, 1) == nil && rows(1, LoggedRows.countMax) == nil)
        #expect(rows(0, 1) == .field("first") && rows(1, 0) == .field("count"))
        #expect(rows(1, LoggedRows.countMax + 1) == .field("count"))
        #expect(field(Self.samples[0].leaf.event, at: -1) == .field("at"))
        #expect(field(Self.credit(0, .final, .project("p"), .host(Self.host), 1)) == .field("number"))
        #expect(field(Self.credit(1, .final, .project("p"), .host(Self.host), 0)) == .field("amount"))
        #expect(field(Self.credit(1, .final, .project(""), .host(Self.host), 1)) == .field("debit"))
        #expect(field(Self.credit(1, .final, .host(Self.host), .host(Self.host), 1)) == .field("credit"))
        let long = String(repeating: "p", count: 65)
        #expect(field(Self.credit(1, .final, .host(Self.host), .project(long), 1)) == .field("credit"))
    }
}
