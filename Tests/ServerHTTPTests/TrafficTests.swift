import Bytes
import Domain
import Foundation
import ServerHTTP
import SwiftProtobuf
import Testing
import Wire

/// Rates, queues and bodies: who must wait is told how long.
@Suite("Whoever asks too much must wait, and is told how long")
struct TrafficTests {
    private static func proxied(_ options: inout ServerStart.Options) {
        options.trustedProxies = ["127.0.0.1"]
        options.limits.addressBurst = 5
        options.limits.addressPerSecond = 1
        options.limits.networkBurst = 8
        options.limits.networkPerSecond = 1
    }

    private static func seconds(since began: ContinuousClock.Instant) -> Double {
        began.duration(to: .now) / .seconds(1)
    }

    @Test("Rates hold by address and network, behind a proxy that is trusted for whom it speaks")
    func rates() async throws {
        try await withSite(options: Self.proxied) { site in
            func ask(_ forwarded: String) async throws -> HTTPProbe.Answer {
                try await site.probe.send("GET", "/v1/project", ["X-Forwarded-For": forwarded])
            }
            var refused: [HTTPProbe.Answer] = []
            let began = ContinuousClock.now
            for _ in 0..<30 {
                // What the client itself wrote in front counts for nothing.
                let answer = try await ask("198.51.100.\(Int.random(in: 1...250)), 203.0.113.7")
                if answer.status == 429 { refused.append(answer) }
            }
            #expect(Double(30 - refused.count) <= 5 + 1 + Self.seconds(since: began), "a burst, and one a second")
            #expect(refused.allSatisfy { (Int($0.fields["retry-after"] ?? "") ?? 0) >= 1 })
            // Its neighbours have what is left of the network.
            var neighbours = 0
            for host in 10..<40 where try await ask("203.0.113.\(host)").status == 429 { neighbours += 1 }
            #expect(neighbours > 0)
            #expect(try await ask("192.0.2.1").status == 200, "others notice nothing")
            #expect(try await site.probe.send("GET", "/healthz").status == 200, "nor does this machine")
            let metrics = try await site.probe.send("GET", "/metrics").text
            #expect(metrics.contains("millrace_refusals_total{reason=\"address_rate\"}"))
            #expect(metrics.contains("millrace_refusals_total{reason=\"network_rate\"}"))
        }
    }

    @Test("Who changes the last half of an IPv6 address stays the same")
    func addressesOfOneHolder() async throws {
        try await withSite(options: Self.proxied) { site in
            var refused = 0
            let began = ContinuousClock.now
            for host in 1...30 {
                let answer = try await site.probe.send(
                    "GET", "/v1/project", ["X-Forwarded-For": "2001:db8:7:7::\(host)"])
                if answer.status == 429 { refused += 1 }
            }
            #expect(Double(30 - refused) <= 5 + 1 + Self.seconds(since: began), "a burst, and one a second")
            let metrics = try await site.probe.send("GET", "/metrics").text
            #expect(metrics.contains("millrace_refusals_total{reason=\"address_rate\"}"))
        }
    }

    @Test("Without a trusted proxy nobody is believed who he speaks for")
    func untrusted() async throws {
        try await withSite(options: { $0.limits.addressBurst = 1 }) { site in
            for _ in 0..<5 {
                let answer = try await site.probe.send("GET", "/v1/project", ["X-Forwarded-For": "203.0.113.7"])
                #expect(answer.status == 200)
            }
        }
    }

    @Test("A host that calls without pause is told to wait; another is not")
    func hostRate() async throws {
        let change: (inout ServerStart.Options) -> Void = {
            $0.limits.hostBurst = 3
            $0.limits.hostPerSecond = 1
        }
        try await withSite(options: change) { site in
            let (ada, grace) = (try await LiveVolunteer(site, "Ada"), try await LiveVolunteer(site, "Grace"))
            var statuses: [Int] = []
            for _ in 0..<20 { statuses.append(try await ada.call(ada.request()).status) }
            #expect(statuses.prefix(3).allSatisfy { $0 == 200 } && statuses.contains(429))
            #expect(try await grace.call(grace.request()).status == 200)
            // The number of a call that was refused is not used up.
            try await LiveSite.eventually { try await ada.call(ada.request()).status == 200 }
        }
    }

    @Test("When too much waits for the writer, the next ones get 503 and a time; then all goes on")
    func fullQueue() async throws {
        let store = LiveSite.SharedStore()
        try await withSite(store: store, options: { $0.limits.writerQueue = 4 }) { site in
            store.held.set(true)
            let answers = try await withThrowingTaskGroup(of: HTTPProbe.Answer.self) { group in
                // What is asked with a token is kept by no shelf: each of these waits for the writer.
                for _ in 0..<40 { group.addTask { try await site.probe.send("GET", "/v1/batches", site.admin) } }
                var answers: [HTTPProbe.Answer] = []
                while let answer = try await group.next() {
                    answers.append(answer)
                    // Those that wait are answered when the writer goes on.
                    if answers.count == 20 { store.held.set(false) }
                }
                return answers
            }
            let refused = answers.filter { $0.status == 503 }
            #expect(refused.count >= 20 && answers.count { $0.status == 200 } == 40 - refused.count)
            #expect(refused.allSatisfy { (1...600).contains(Int($0.fields["retry-after"] ?? "") ?? 0) })
            #expect(try await site.probe.send("GET", "/v1/project").status == 200)
        }
    }

    @Test("A crowd that asks who the site is, or for its figures, costs the writer no more than one")
    func crowdThatAsks() async throws {
        let store = LiveSite.SharedStore()
        // Three places are for threads of the server itself.
        try await withSite(store: store, options: { $0.limits.writerQueue = 8 }) { site in
            store.held.set(true)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<40 {
                    let path = number % 2 == 0 ? "/v1/project" : "/metrics"
                    group.addTask { try await site.probe.send("GET", path).status }
                }
                try await Task.sleep(for: .milliseconds(500))
                store.held.set(false)
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses == [Int](repeating: 200, count: 40))
        }
    }

    @Test("When nobody knows whether a group was committed, nothing of it is done again, and whoever asked is told so")
    func uncertainCommit() async throws {
        let store = LiveSite.SharedStore()
        try await withSite(store: store, options: { $0.limits.writerQueue = 4 }) { site in
            _ = try await site.submit()
            store.held.set(true)
            let told = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<12 {
                    group.addTask {
                        do { return "batch \(try await site.submit(inputIsThere: true))" } catch { return "\(error)" }
                    }
                }
                var told: [String] = []
                while let text = try await group.next() {
                    told.append(text)
                    // One that is turned away says that a whole group waits.
                    if told.count == 1 {
                        store.uncertain.set(true)
                        store.held.set(false)
                    }
                }
                return told
            }
            store.uncertain.set(false)
            let uncertain = told.count { $0.contains("submit: 503") && $0.contains("cannot tell") }
            #expect(uncertain >= 1, "\(told)")
            let list = try WireBatchList(
                jsonUTF8Bytes: try await site.probe.send("GET", "/v1/batches", site.admin).body)
            #expect(list.batches.count == 1 + uncertain, "each was applied once")
        }
    }

    @Test("Bodies beyond what may be held are refused with 503, and what was held is given back")
    func bodies() async throws {
        try await withSite(options: { $0.limits.bodyBytes = 10_000 }) { site in
            for _ in 0..<3 {
                let answer = try await site.probe.send("POST", "/v1/register", body: .init(repeating: 1, count: 20_000))
                #expect(answer.status == 503 && answer.fields["retry-after"] != nil)
                let fits = try await site.probe.send("POST", "/v1/register", body: .init(repeating: 1, count: 9000))
                #expect(fits.status == 400)
            }
            try await LiveSite.eventually {
                try await site.probe.send("GET", "/metrics").text.contains("millrace_held_body_bytes 0\n")
            }
        }
    }

    @Test("500 volunteers behind one address, each with a call in ten seconds, are never told to wait")
    func manyBehindOneAddress() {
        let limits = ServerLimits()
        let address = RateLimiter<String>(burst: limits.addressBurst, perSecond: limits.addressPerSecond)
        let network = RateLimiter<UInt64>(burst: limits.networkBurst, perSecond: limits.networkPerSecond)
        var generator = SeededGenerator(seed: 4)
        let start = ContinuousClock.now
        var refused = 0
        // At first all at once, with four requests each for their inputs; then in their own time for an hour.
        for _ in 0..<2000 where address.take("nat", now: start) != nil { refused += 1 }
        var times: [Double] = []
        for _ in 0..<500 { for call in 0..<360 { times.append(10 * (Double(call) + 1 + generator.nextUnit())) } }
        for time in times.sorted() {
            let now = start.advanced(by: .milliseconds(Int(time * 1000)))
            if address.take("nat", now: now) != nil || network.take(1, now: now) != nil { refused += 1 }
        }
        #expect(refused == 0)
        #expect(limits.connectionsPerAddress >= 500 * 2)
    }

    @Test("A bucket refills to its brim and no further; forgotten keys begin anew")
    func buckets() {
        let limiter = RateLimiter<Int>(burst: 3, perSecond: 2, keysMax: 10)
        let start = ContinuousClock.now
        #expect((0..<5).map { _ in limiter.take(1, now: start) == nil } == [true, true, true, false, false])
        #expect(limiter.take(1, now: start) == 0.5)
        #expect(limiter.take(1, now: start.advanced(by: .milliseconds(500))) == nil)
        #expect(limiter.take(1, now: start.advanced(by: .milliseconds(500))) != nil)
        let later = start.advanced(by: .seconds(3600))
        #expect((0..<4).map { _ in limiter.take(1, now: later) == nil } == [true, true, true, false])
        // A clock that goes back gives nothing.
        #expect(limiter.take(1, now: start) != nil)
        // Used a moment ago, and still known after one generation of others; after two it is not.
        for key in 100..<112 { _ = limiter.take(key, now: later) }
        #expect(limiter.take(1, now: later) != nil)
        for key in 200..<230 { _ = limiter.take(key, now: later) }
        #expect(limiter.take(1, now: later) == nil)
    }
}
