import Domain
import FoundationEssentials
import ServerCore
import Storage
import StoragePostgres
import StorageSQLite
import Wire

/// How fast the core answers on a store, stage by stage.
struct CoreBench {
    var units: Int
    var hosts: Int
    var calls: Int
    var tasks: Int
    var quorum: Int
    var group: Int
    var isSplitAtOnce: Bool

    struct Report {
        var stages: [(name: String, seconds: Double)]
        var calls: Int
        var tasks: Int
        var validated: Int
        var splitSeconds: Double
        var units: Int

        var text: String {
            let total = stages.reduce(0) { $0 + $1.seconds }
            func rate(_ count: Int, _ seconds: Double) -> String { "\(Int(Double(count) / max(seconds, 1e-9)))" }
            var lines = [
                "split before: \(units) units, \(rate(units, splitSeconds)) a second (signed; containers in memory)",
                "calls: \(calls), tasks reported: \(tasks), units validated: \(validated)",
                "\(rate(calls, total)) calls/s, \(rate(tasks, total)) tasks/s, \(rate(validated, total)) units/s",
            ]
            for stage in stages {
                let microseconds = 1e6 * stage.seconds / Double(max(calls, 1))
                lines.append("  \(stage.name): \(Double(Int(microseconds * 10)) / 10) us a call")
            }
            return lines.joined(separator: "\n")
        }
    }

    /// - Parameter database: of PostgreSQL, with an empty schema, in place of a file.
    func run(isDurable: Bool, folder: String, database: String? = nil) throws -> Report {
        let path = "\(folder)/millrace-bench-\(ProcessInfo.processInfo.processIdentifier)"
        let store: any Store
        if let database {
            store = try PostgresStore(database)
        } else if isDurable {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            store = try SQLiteStore(path: path + "/bench.sqlite")
        } else {
            store = MemoryStore()
        }
        defer { if isDurable { try? FileManager.default.removeItem(atPath: path) } }
        let clock = ContinuousClock()
        var site: BenchSite?
        let splitting = try clock.measure {
            site = try BenchSite(store: store, units: units, quorum: quorum, isSplitAtOnce: isSplitAtOnce)
        }
        guard let site else { throw Fault(.software, "no site") }
        let before = try site.unitsMade()
        var all = try (0..<hosts).map { try site.register($0) }
        var stages = [
            "check of the request": 0.0, "inline results": 0, "transaction": 0, "receipts": 0, "validator": 0,
        ]
        func timed<T>(_ stage: String, _ body: () throws -> T) rethrows -> T {
            let start = clock.now
            defer { stages[stage, default: 0] += seconds(start.duration(to: clock.now)) }
            return try body()
        }
        var reported = 0
        var done = 0
        var at = 0
        while done < calls {
            var requests: [(Int, WireSchedulerRequest)] = []
            for _ in 0..<min(group, calls - done) {
                requests.append((at, site.request(&all[at], want: tasks)))
                reported += requests[requests.count - 1].1.reports.count
                at = (at + 1) % hosts
            }
            site.wait(Int64(requests.count))
            let checked = try timed("check of the request") {
                try requests.map { at, request in (try site.core.checkScheduler(request, now: site.now), all[at]) }
            }
            try timed("inline results") {
                for (call, host) in checked {
                    let wanted = try site.store.transaction { tx in
                        try site.core.wantedInline(call, host: host.id, sequence: host.sequence, in: tx)
                    }
                    try site.core.storeInline(call, wanted)
                }
            }
            let outcomes = try timed("transaction") { try site.schedule(checked) }
            let replies = timed("receipts") {
                outcomes.map { outcome in
                    let reply = site.core.answer(outcome)
                    _ = reply.encoded
                    return reply
                }
            }
            for (place, reply) in replies.enumerated() { all[requests[place].0].held = reply.tasks.map(\.taskID) }
            done += requests.count
            try timed("validator") { while try site.validate() > 0 {} }
        }
        let counts = try store.transaction { tx in try tx.counts(of: site.batch) }
        return Report(
            stages: stages.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, calls: done, tasks: reported,
            validated: Int(counts.validated + counts.assembled), splitSeconds: seconds(splitting), units: before)
    }

    private func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
    }
}
