import ClientSystem
import Testing

extension X11Pace {
    /// A look that took no time.
    fileprivate mutating func note(idle: Int64, at now: Double, isAnnounced: Bool) {
        note(idle: idle, asked: now, heard: now, isAnnounced: isAnnounced)
    }
}

@Suite("The pace of X11")
struct X11PaceTests {
    /// Seconds from a full minute to the next look.
    func wait(_ pace: X11Pace) -> Double { ((pace.nextLook(after: 600) - 600) * 10).rounded() / 10 }

    @Test("It sleeps until it is told while the server keeps its word, and looks often when it does not")
    func trust() {
        var pace = X11Pace(isAlarmTrusted: true)
        pace.change(isComputing: true)
        pace.note(idle: 200_000, at: 10, isAnnounced: false)
        #expect(pace.isWatching && wait(pace) == 4)
        pace.note(idle: 204_000, at: 14, isAnnounced: false)
        // Announced as it should be.
        pace.note(idle: 0, at: 15, isAnnounced: true)
        #expect(pace.isWatching && wait(pace) == 4)
        // Still there: nobody is announced who was away for less than a second.
        pace.note(idle: 500, at: 19, isAnnounced: false)
        pace.note(idle: 100, at: 23, isAnnounced: false)
        #expect(pace.isWatching)
        pace.note(idle: 4100, at: 27, isAnnounced: false)
        // Back in silence; the word comes a moment later.
        pace.note(idle: 50, at: 31, isAnnounced: false)
        #expect(pace.isWatching && wait(pace) == 0.2)
        pace.note(idle: 250, at: 31.2, isAnnounced: true)
        #expect(pace.isWatching && wait(pace) == 4)
        pace.note(idle: 4250, at: 35.2, isAnnounced: false)
        // Back in silence, and no word.
        pace.note(idle: 50, at: 39.2, isAnnounced: false)
        pace.note(idle: 250, at: 39.4, isAnnounced: false)
        #expect(!pace.isWatching && wait(pace) == 0.2)
        pace.change(isComputing: false)
        #expect(wait(pace) == 20)
    }

    @Test("A look that takes long, or whose answer is heard late, is not taken for a return")
    func slow() {
        var pace = X11Pace(isAlarmTrusted: true)
        pace.change(isComputing: true)
        pace.note(idle: 200_000, asked: 10, heard: 10, isAnnounced: false)
        pace.note(idle: 204_000, asked: 14, heard: 16, isAnnounced: false)
        #expect(pace.isWatching && wait(pace) == 4)
        pace.note(idle: 210_000, asked: 18, heard: 20, isAnnounced: false)
        pace.note(idle: 214_000, asked: 24, heard: 24, isAnnounced: false)
        #expect(pace.isWatching && wait(pace) == 4)
        // Somebody is back during a look.
        pace.note(idle: 1000, asked: 28, heard: 30, isAnnounced: false)
        #expect(wait(pace) == 0.2)
    }

    @Test("While nothing runs, only the return of somebody who was away is heard at once")
    func paused() {
        var pace = X11Pace(isAlarmTrusted: true)
        pace.note(idle: 20_000, at: 20, isAnnounced: false)
        #expect(!pace.isWatching)
        pace.note(idle: 40_000, at: 40, isAnnounced: false)
        #expect(pace.isWatching)
        pace.note(idle: 0, at: 41, isAnnounced: true)
        #expect(!pace.isWatching)
    }

    @Test("Windows are looked at first thing, and about every four seconds while tasks run")
    func windows() {
        for (trusted, computing, perWindow) in [
            (true, true, 1), (false, true, 20), (true, false, 1), (false, false, 1),
        ] {
            var pace = X11Pace(isAlarmTrusted: trusted)
            pace.change(isComputing: computing)
            let looks = (0..<60).map { look in
                pace.note(idle: Int64(look) * 4000, at: Double(look) * 4, isAnnounced: false)
                return pace.isWindowDue
            }
            #expect(looks == (0..<60).map { $0 % perWindow == 0 })
        }
    }
}
