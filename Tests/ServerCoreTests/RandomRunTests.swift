import Bytes
import Domain
import ServerCore
import Storage
import StorageSQLite
import Testing
import Wire

@Suite("Random runs")
struct RandomRunTests {
    /// Honest, failing, forging and vanishing hosts, restarts and passing deadlines, in an order that a seed decides.
    @Test("The sum of the ledger equals the sum over hosts, and only true answers come out", arguments: 0..<30)
    func memory(seed: UInt64) throws {
        _ = try randomRun(seed: seed, store: MemoryStore())
    }

    @Test("SQLite ends where memory ends", arguments: 0..<6)
    func sqlite(seed: UInt64) throws {
        let inMemory = try randomRun(seed: seed, store: MemoryStore())
        let inSQLite = try randomRun(seed: seed, store: try SQLiteStore.inMemory())
        #expect(inMemory.status == inSQLite.status)
        #expect(inMemory.credit == inSQLite.credit)
        #expect(inMemory.validation == inSQLite.validation)
    }

    @Test("Many of these runs do end with an answer")
    func someFinish() throws {
        let states = try (0..<30).map { try randomRun(seed: $0, store: MemoryStore()).status.state }
        #expect(states.filter { $0 == "finished" }.count > 10, "\(states)")
    }

    private struct End {
        var status: WireBatchStatus
        var credit: WireCreditReport
        var validation: WireValidationReport
    }

    private func randomRun(seed: UInt64, store: any Store) throws -> End {
        var random = SeededGenerator(seed: seed)
        let site = try TestSite(
            store: store, units: 3 + random.nextIndex(below: 5), quorum: 1 + random.nextIndex(below: 2))
        let batch = try site.submit()
        var volunteers: [TestVolunteer] = []
        for number in 0..<6 {
            let volunteer = try TestVolunteer(site, "V\(number)")
            // Of six, one forges what its check refutes, one fails, one sends rubbish.
            switch number {
            case 1: volunteer.says = { _ in "lie" }
            case 3: volunteer.says = { _ in nil }
            case 4: volunteer.says = { unit in unit.index % 2 == 0 ? "rubbish" : "true \(unit)" }
            default: break
            }
            volunteers.append(volunteer)
        }
        for _ in 0..<600 {
            let volunteer = volunteers[random.nextIndex(below: volunteers.count)]
            switch random.nextIndex(below: 10) {
            case 0: site.restart()
            case 1: site.wait(random.nextUnit() * 400)
            case 2: volunteer.held = []
            case 3, 4: try volunteer.fetch(UInt32(1 + random.nextIndex(below: 3)))
            case 5, 6: if !volunteer.held.isEmpty { try volunteer.deliver() }
            default:
                for job in try site.tick() where random.nextUnit() < 0.9 { try site.run(job) }
                site.restart()
            }
        }
        try site.expectSoundStore()
        for text in site.assembled[batch] ?? [] { #expect(text.hasPrefix("true")) }
        for row in try site.credit().hosts where row.volunteerName == "V1" || row.volunteerName == "V3" {
            #expect(row.microcobblestones == 0)
        }
        let status = try site.status(batch)
        #expect(["running", "finished", "failed", "assembling"].contains(status.state))
        #expect((status.state == "finished") == (site.assembled[batch] != nil))
        return End(status: status, credit: try site.credit(), validation: try site.validation(batch))
    }
}
