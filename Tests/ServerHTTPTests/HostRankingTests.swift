import ServerHTTP
import Testing
import Wire

@Suite("Hosts on the page of credit")
struct HostRankingTests {
    private func hosts(_ count: Int) -> [WireCreditRow] {
        (0..<count).map { number in
            var row = WireCreditRow()
            row.hostID = UInt64(number + 1)
            row.microcobblestones = Int64(number / 2)
            return row
        }
    }

    @Test("All of a few, the highest credit first, and of two that are equal the older one")
    func few() {
        let (rows, note) = HostRanking.top(hosts(4))
        #expect(rows.map(\.hostID) == [3, 4, 1, 2] && note.isEmpty)
        #expect(HostRanking.top(hosts(HostRanking.rowsMax)).note.isEmpty)
    }

    @Test("Of many the first, and how many there are")
    func many() {
        let (rows, note) = HostRanking.top(hosts(2346))
        #expect(rows.count == 1000 && rows.first?.microcobblestones == 1172 && rows.last?.hostID == 1348)
        #expect(note.contains("2346") && note.contains("1000"))
    }
}
