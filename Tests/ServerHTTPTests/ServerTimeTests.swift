import Domain
import ServerHTTP
import Testing

@Suite("The store's time")
struct ServerTimeTests {
    private func times(_ readings: [(wall: Int64, monotonic: Duration)]) -> [Int64] {
        var time = ServerTime()
        return readings.map { time.now(wall: Timestamp(milliseconds: $0.wall), monotonic: $0.monotonic).milliseconds }
    }

    @Test("Follows the wall clock while that goes on, also when it jumps forward")
    func follows() {
        #expect(
            times([(5000, .seconds(1)), (6000, .seconds(2)), (90_000, .seconds(3)), (91_000, .seconds(4))])
                == [5000, 6000, 90_000, 91_000])
    }

    @Test("After a jump forward that is corrected it goes on by the monotonic clock")
    func corrected() {
        let day: Int64 = 86_400_000
        #expect(
            times([(1000, .zero), (day, .seconds(1)), (3000, .seconds(2)), (4000, .seconds(3)), (9000, .seconds(8))])
                == [1000, day, day + 1000, day + 2000, day + 7000])
    }

    @Test("Goes on from the wall clock as soon as that is ahead again")
    func caughtUp() {
        #expect(
            times([(1000, .zero), (0, .seconds(1)), (2500, .seconds(2)), (5000, .seconds(3))]) == [
                1000, 2000, 3000, 5000,
            ])
    }

    @Test("Many short steps add up")
    func shortSteps() {
        let readings = (0...10_000).map {
            (wall: $0 == 0 ? Int64(1000) : 0, monotonic: Duration.microseconds($0 * 300))
        }
        let found = times(readings)
        #expect(found.last == 4000)
        #expect(found == found.sorted())
    }

    @Test("A monotonic clock that went back changes nothing")
    func backwards() {
        #expect(times([(1000, .seconds(5)), (0, .seconds(4)), (0, .seconds(6))]) == [1000, 1000, 2000])
    }

    @Test("The limit of open files is raised as far as it may be, and never lowered")
    func openFiles() {
        #expect(OpenFileLimit.wanted(soft: 1024, hard: 4096) == 4096)
        #expect(OpenFileLimit.wanted(soft: 1024, hard: .max) == 65_536)
        #expect(OpenFileLimit.wanted(soft: 1024, hard: 1024) == 1024)
        #expect(OpenFileLimit.wanted(soft: 100_000, hard: 200_000) == 100_000)
    }
}
