import Foundation
import PostgresServer
import Testing

/// SIGKILL at random moments: nothing acknowledged is lost, nothing is credited twice, the answer is the same.
@Suite("Chaos", .placed, .serialized)
struct ChaosTests {
    private static let environment = ProcessInfo.processInfo.environment

    @Test("Eight kills during 60 work units")
    func short() async throws {
        try await compare(.small, seed: 7, signals: 8)
    }

    @Test("Eight kills of server, clients and PostgreSQL during 60 work units")
    func shortOnPostgres() async throws {
        try await compare(.small, seed: 10, signals: 8, database: PostgresServer(getsUp: true))
    }

    /// `make chaos`. MILLRACE_CHAOS: how many kills; MILLRACE_CHAOS_SEED: of an earlier run, to have it once more;
    /// MILLRACE_CHAOS_DATABASE: `postgres`, or `sqlite` alone; both otherwise.
    @Test("A hundred kills during 2,037 work units", .enabled(if: environment["MILLRACE_CHAOS"] != nil))
    func long() async throws {
        let seed = Self.environment["MILLRACE_CHAOS_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...999_999)
        print("chaos: the seed is \(seed); MILLRACE_CHAOS_SEED=\(seed) kills the same once more")
        let signals = Self.environment["MILLRACE_CHAOS"].flatMap { Int($0) } ?? 100
        let wanted = Self.environment["MILLRACE_CHAOS_DATABASE"]
        if wanted != "postgres" { try await compare(.large, seed: seed, signals: signals, isTold: true) }
        if wanted != "sqlite" {
            let database = try PostgresServer(getsUp: true)
            try await compare(.large, seed: seed, signals: signals, database: database, isTold: true)
        }
    }

    private func compare(
        _ projects: ChaosProjects, seed: UInt64, signals: Int, database: PostgresServer? = nil, isTold: Bool = false
    ) async throws {
        let clock = ContinuousClock()
        var started = clock.now
        let quiet = try ChaosRun(projects)
        try await quiet.start()
        let expected = try await quiet.answers(limitSeconds: 1800)
        let granted = try await quiet.expectTheBooks()
        await quiet.stop()
        if isTold { print("undisturbed, on SQLite: \(started.duration(to: clock.now)), \(expected.count) files") }

        started = clock.now
        let run = try ChaosRun(projects, database: database, isTold: isTold)
        try await run.start()
        let plan = KillPlan(seed: seed, signals: signals, units: projects.units, kinds: run.victims.map(\.plan))
        #expect(plan.kills.reduce(0) { $0 + $1.moment.signals } == signals)
        try await run.suffer(plan)
        let answers = try await run.answers(limitSeconds: 1800)
        #expect(Set(answers.keys) == Set(expected.keys) && expected.count > 10)
        for (name, bytes) in expected { #expect(answers[name] == bytes, "\(name) differs; seed \(seed): \(run.diary)") }
        #expect(try await run.expectTheBooks() == granted, "seed \(seed): \(run.diary)")
        await run.stop()
        try await run.expectSoundFiles()
        let place = database == nil ? "" : ", on PostgreSQL"
        if isTold { print("with \(signals) kills\(place): \(started.duration(to: clock.now))") }
    }
}
