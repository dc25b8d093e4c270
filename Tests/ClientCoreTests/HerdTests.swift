import Bytes
import ClientCore
import Domain
import Engine
import Testing
import Wire

/// A server that was away comes back, and everybody calls at once.
@Suite("The herd after an outage")
struct HerdTests {
    /// A server with a bound, as `WriterThread` and `RetryPacer` make one: so many calls per second, so many that wait.
    private struct BusyServer {
        var pacer = RetryPacer()
        let perStep: Int
        let queueMax: Int
        var queue: [Int] = []
        var longest = 0

        /// - Returns: nil when the call waits for its answer, else the seconds of `Retry-After`.
        mutating func take(_ client: Int, now: Double) -> Int? {
            guard queue.count < queueMax else { return pacer.refused(now: now) }
            queue.append(client)
            longest = max(longest, queue.count)
            return nil
        }

        mutating func answer(now: Double) -> [Int] {
            let answered = Array(queue.prefix(perStep))
            queue.removeFirst(answered.count)
            for _ in answered { pacer.answered(now: now) }
            return answered
        }
    }

    private struct Outcome {
        /// Calls that arrived, by the second.
        var arrivals: [Int] = []
        var calls: [Int]
        var answeredAt: [Double?]
        var longestQueue = 0
    }

    private static let stepsPerSecond = 20

    private func run(clients count: Int, perSecond: Int, queueMax: Int, seconds: Int, seed: UInt64) -> Outcome {
        var generator = SeededGenerator(seed: seed)
        func random() -> Double { generator.nextUnit() }
        let start = Driver()
        var clients = Array(repeating: start, count: count)
        var due: [[Int]] = Array(repeating: [], count: seconds * Self.stepsPerSecond + 1)
        // Whoever waited for the server calls within the first two seconds.
        for client in 0..<count { due[Int(random() * 2 * Double(Self.stepsPerSecond))].append(client) }
        var server = BusyServer(perStep: perSecond / Self.stepsPerSecond, queueMax: queueMax)
        var outcome = Outcome(calls: .init(repeating: 0, count: count), answeredAt: .init(repeating: nil, count: count))
        for step in 0..<(seconds * Self.stepsPerSecond) {
            let now = Double(step) / Double(Self.stepsPerSecond)
            if step % Self.stepsPerSecond == 0 { outcome.arrivals.append(0) }
            for client in due[step] {
                outcome.arrivals[outcome.arrivals.count - 1] += 1
                outcome.calls[client] += 1
                guard let wish = server.take(client, now: now) else { continue }
                clients[client].now = start.now + TimeSpan(seconds: now)
                clients[client].send(
                    .callFailed(.busy("too much to do", retryAfterSeconds: Double(wish))), random: random())
                guard let wake = clients[client].machine.wakeAt else { continue }
                let next = ((wake - start.now).seconds * Double(Self.stepsPerSecond)).rounded(.up)
                if Int(next) < due.count { due[Int(next)].append(client) }
            }
            for client in server.answer(now: now) { outcome.answeredAt[client] = now }
        }
        outcome.longestQueue = server.longest
        return outcome
    }

    @Test("20,000 clients that were told to wait come back as a stream below what the server can do", arguments: 1...3)
    func stream(seed: UInt64) {
        let perSecond = 400
        let outcome = run(clients: 20_000, perSecond: perSecond, queueMax: 4096, seconds: 400, seed: seed)
        #expect(outcome.arrivals[0] + outcome.arrivals[1] >= 20_000, "the herd is one")
        let later = outcome.arrivals.dropFirst(2)
        #expect(later.max() ?? 0 <= perSecond, "in the second \(later.firstIndex(of: later.max() ?? 0) ?? 0)")
        // Even: no tenth of the time until all are served takes more than a fifth of those who come back.
        let last = outcome.answeredAt.compactMap { $0 }.max() ?? 0
        let tenth = max(1, Int(last) / 10)
        for from in stride(from: 2, to: Int(last), by: tenth) {
            let part = outcome.arrivals.dropFirst(from).prefix(tenth).reduce(0, +)
            #expect(part <= later.reduce(0, +) / 5, "from second \(from)")
        }
        #expect(outcome.answeredAt.allSatisfy { $0 != nil }, "nobody is forgotten")
        #expect(outcome.calls.max() ?? 0 <= 3, "nobody hammers")
        #expect(outcome.longestQueue <= 4096)
    }

    @Test("A figure that is the same for all is spread by the clients themselves")
    func sameFigure() {
        var generator = SeededGenerator(seed: 9)
        var seconds = [Int](repeating: 0, count: 200)
        var outside = 0
        let start = Driver()
        for _ in 0..<20_000 {
            var driver = start
            let random = generator.nextUnit()
            let before = driver.now
            driver.send(.callFailed(.busy("wait", retryAfterSeconds: 60)), random: random)
            let wait = (driver.machine.wakeAt.map { $0 - before } ?? TimeSpan(seconds: 0)).seconds
            if wait < 60 || wait > 120 { outside += 1 }
            seconds[min(Int(wait), 199)] += 1
        }
        #expect(outside == 0)
        let busiest = seconds.max() ?? 0
        #expect(busiest < 450, "an even stream has 333 in each second")
    }

    @Test("However often it is told to wait, a client keeps its results and never stays away beyond two hours")
    func keepsItsWork() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result())), after: 5)
        for wish in [5, 60, 1e9, Double.infinity, -1, 3600, 86_400] {
            let before = driver.now
            driver.send(.callFailed(.busy("disk full", retryAfterSeconds: wish)), random: 0.999)
            let wait = (try #require(driver.machine.wakeAt) - before).seconds
            #expect(wait > 0 && wait <= 7200, "told to wait \(wish) s")
            driver.send(.tick, after: wait + 1)
            #expect(driver.call?.request.reports.count == 1)
            #expect(driver.stage(task) == .finished(Driver.result()))
        }
    }

    @Test("An upload that is told to wait goes on later with the same ticket")
    func upload() throws {
        var driver = Driver()
        let task = try driver.takeUp()
        driver.send(.workerStarted(task))
        driver.send(.workerEnded(task, Driver.ending(0, result: Driver.result(1 << 20))), after: 5)
        #expect(driver.last.words.contains("upload 0"))
        driver.send(.uploadFailed(task, .busy("disk nearly full", retryAfterSeconds: 300)), random: 0.5)
        driver.send(.tick, after: 299)
        #expect(!driver.last.words.contains("upload 0"))
        driver.send(.tick, after: 200)
        #expect(driver.last.words.contains("upload 0"))
    }
}
