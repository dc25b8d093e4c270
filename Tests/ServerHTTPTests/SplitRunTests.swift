import Domain
import Storage
import Testing
import Wire

/// Pieces of a batch that are made, packed and written at the same time.
@Suite struct SplitRunTests {
    @Test("A batch of many pieces comes whole, in order, and once")
    func whole() async throws {
        let store = LiveSite.SharedStore()
        try await withSite(units: 2600, store: store) { site in
            let batch = try await site.submit()
            try await site.until(batch) { $0.splitFinished }
            #expect(try await site.status(batch).unitsReady == 2600)
            let units = try store.store.transaction { tx in
                try tx.workUnits(of: BatchID(rawValue: Int64(batch)), fromIndex: 0, limit: 3000)
            }
            #expect(units.map(\.unit.id.index) == Array(0..<2600))
            #expect(units.map(\.unit.label) == (0..<2600).map { "piece \($0) <i>" })
        }
    }

    @Test("A store that fails in between loses no piece and doubles none")
    func failing() async throws {
        let store = LiveSite.SharedStore()
        try await withSite(units: 1500, store: store) { site in
            let batch = try await site.submit()
            for _ in 0..<3 {
                store.broken.set(true)
                try await Task.sleep(for: .milliseconds(5))
                store.broken.set(false)
                try await Task.sleep(for: .milliseconds(5))
            }
            try await site.until(batch) { $0.splitFinished }
            let units = try store.store.transaction { tx in
                try tx.workUnits(of: BatchID(rawValue: Int64(batch)), fromIndex: 0, limit: 3000)
            }
            #expect(units.map(\.unit.label) == (0..<1500).map { "piece \($0) <i>" })
        }
    }
}
