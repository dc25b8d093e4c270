import ServerHTTP
import Synchronization
import Testing

@Suite("Pages of the last second")
struct PageShelfTests {
    /// A clock that a test moves, and a count of what was made.
    private final class Bench: Sendable {
        let time = Mutex(ContinuousClock.now)
        let made = Mutex(0)
        let opened = AsyncStream.makeStream(of: Void.self)

        func pass(_ span: Duration) { time.withLock { $0 += span } }
        func shelf() -> PageShelf<Int> { PageShelf { [self] in time.withLock { $0 } } }
        func make() -> Int {
            made.withLock { made in
                made += 1
                return made
            }
        }
        /// Ends only when the test says so.
        func makeSlowly() async -> Int {
            let number = make()
            var iterator = opened.stream.makeAsyncIterator()
            _ = await iterator.next()
            return number
        }
        var count: Int { made.withLock { $0 } }
    }

    @Test("A crowd that comes while a page is being made gets that one")
    func singleFlight() async throws {
        let bench = Bench()
        let shelf = bench.shelf()
        let first = Task { try await shelf.page("a") { await bench.makeSlowly() } }
        while bench.count == 0 { await Task.yield() }
        // However long it takes: what is under way is not begun again.
        bench.pass(.seconds(60))
        let crowd = (0..<20).map { _ in Task { try await shelf.page("a") { bench.make() } } }
        #expect(try await shelf.page("b") { bench.make() } == 2, "another page does not wait")
        for _ in 0..<100 { await Task.yield() }
        bench.opened.continuation.finish()
        for task in crowd + [first] { #expect(try await task.value == 1) }
        #expect(bench.count == 2)
    }

    @Test("A page is kept for a second from the end of its making")
    func lifetime() async throws {
        let bench = Bench()
        let shelf = bench.shelf()
        #expect(try await shelf.page("a") { bench.make() } == 1)
        bench.pass(.milliseconds(999))
        #expect(try await shelf.page("a") { bench.make() } == 1)
        bench.pass(.milliseconds(1))
        #expect(try await shelf.page("a") { bench.make() } == 2)
    }

    @Test("A page that took long to make is kept ten times as long")
    func longMaking() async throws {
        let bench = Bench()
        let shelf = bench.shelf()
        let made = try await shelf.page("a") {
            bench.pass(.seconds(3))
            return bench.make()
        }
        #expect(made == 1)
        bench.pass(.milliseconds(29_999))
        #expect(try await shelf.page("a") { bench.make() } == 1)
        bench.pass(.milliseconds(1))
        #expect(try await shelf.page("a") { bench.make() } == 2)
    }

    @Test("However long it took, a page is kept for a minute at most")
    func longestLife() async throws {
        let bench = Bench()
        let shelf = bench.shelf()
        _ = try await shelf.page("a") {
            bench.pass(.seconds(40))
            return bench.make()
        }
        bench.pass(.milliseconds(59_999))
        #expect(try await shelf.page("a") { bench.make() } == 1)
        bench.pass(.milliseconds(1))
        #expect(try await shelf.page("a") { bench.make() } == 2)
    }

    @Test("A reader that hangs up does not end the making")
    func hangsUp() async throws {
        let bench = Bench()
        let shelf = bench.shelf()
        let first = Task { try await shelf.page("a") { await bench.makeSlowly() } }
        while bench.count == 0 { await Task.yield() }
        first.cancel()
        bench.opened.continuation.finish()
        #expect(try await shelf.page("a") { bench.make() } == 1)
    }

    @Test("A failure is not kept")
    func failure() async throws {
        struct Broken: Error {}
        let bench = Bench()
        let shelf = bench.shelf()
        await #expect(throws: Broken.self) { try await shelf.page("a") { throw Broken() } }
        #expect(try await shelf.page("a") { bench.make() } == 1)
    }

    @Test("Many different pages do not push each other out before a second has passed, up to the room there is")
    func manyPages() async throws {
        let bench = Bench()
        let shelf = bench.shelf()
        for number in 0..<64 { _ = try await shelf.page("\(number)") { bench.make() } }
        #expect(try await shelf.page("0") { bench.make() } == 1)
        _ = try await shelf.page("one more") { bench.make() }
        #expect(try await shelf.page("63") { bench.make() } == 64)
        #expect(try await shelf.page("0") { bench.make() } == 66, "the oldest made room")
    }
}
