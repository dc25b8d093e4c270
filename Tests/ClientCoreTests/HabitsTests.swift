import ClientCore
import Domain
import FoundationEssentials
import Testing

@Suite("What is learned of a host's habits")
struct HabitsTests {
    /// Midnight.
    private static let start = Timestamp(seconds: 1_799_971_200)

    private static func at(_ hours: Double) -> Timestamp { start + TimeSpan(seconds: hours * 3600) }

    /// Days in which the host computes in these hours.
    private static func habits(days: Int, hours: Range<Int>) -> Habits {
        var habits = Habits()
        habits.note(until: start, isComputing: false)
        for hour in 0..<24 * days {
            habits.note(until: at(Double(hour + 1)), isComputing: hours.contains(hour % 24))
        }
        return habits
    }

    @Test(
        "A newcomer counts as one that computes for an hour a day, until it has shown more; one that always computes, as that"
    )
    func newcomer() {
        #expect(Habits().outlook(always: false).share == 1.0 / 24)
        #expect(Habits().outlook(always: true).share == 1)
        var habits = Habits()
        habits.note(until: Self.start, isComputing: true)
        habits.note(until: Self.at(1), isComputing: true)
        #expect(habits.outlook(always: false).share == 1.0 / 24)
        habits.note(until: Self.at(6), isComputing: true)
        #expect(habits.outlook(always: false).share == 0.25)
        habits.note(until: Self.at(24), isComputing: true)
        #expect(habits.outlook(always: false).share == 1)
    }

    @Test(
        "A machine that is off counts as not computing, also one whose client computes whenever it runs",
        arguments: [false, true])
    func off(always: Bool) {
        var habits = Habits()
        for day in 0..<14 {
            habits.note(until: Self.at(Double(day * 24 + 20)), isComputing: false)
            habits.note(until: Self.at(Double(day * 24 + 21)), isComputing: true)
        }
        let share = habits.outlook(always: always).share
        #expect(share > 0.036 && share < 0.048, "\(share)")
    }

    @Test("Holidays do not make a habit")
    func holidays() {
        var habits = Self.habits(days: 14, hours: 0..<24)
        habits.note(until: Self.at(24 * 60), isComputing: false)
        habits.note(until: Self.at(24 * 61), isComputing: true)
        #expect(habits.outlook(always: false).share > 0.1)
        #expect(habits.seenSeconds <= 7 * 86_400 + 1)
    }

    @Test("The hours of the day are known after a few days")
    func hours() {
        let outlook = Self.habits(days: 7, hours: 18..<23).outlook(always: false)
        func seconds(_ from: Double, _ to: Double) -> Double {
            outlook.computingSeconds(from: Self.at(24 * 7 + from), to: Self.at(24 * 7 + to))
        }
        #expect(seconds(18, 23) > 0.85 * 5 * 3600)
        #expect(seconds(0, 18) < 0.2 * 5 * 3600)
        #expect(seconds(5, 5) == 0 && seconds(6, 5) == 0)
        // The sum over days is that of the share.
        let days = seconds(7.3, 7.3 + 240)
        #expect(abs(days - outlook.share * 240 * 3600) < 0.01 * days)
        // In parts, it is the same.
        #expect(abs(seconds(7.3, 100.1) - seconds(7.3, 30.7) - seconds(30.7, 100.1)) < 0.01)
    }

    @Test(
        "What can be relied on is less than what is expected, by a stretch of computing; a host that never stops loses nothing"
    )
    func reserve() {
        let evenings = Self.habits(days: 14, hours: 18..<23).outlook(always: false)
        #expect(evenings.reserveSeconds > 3 * 3600 && evenings.reserveSeconds < 5 * 3600)
        let (from, to) = (Self.at(24 * 14 + 23), Self.at(24 * 24))
        let (expected, safe) = (evenings.computingSeconds(from: from, to: to), evenings.safeSeconds(from: from, to: to))
        #expect(abs(expected - safe - evenings.reserveSeconds) < 0.01)
        #expect(Self.habits(days: 14, hours: 0..<24).outlook(always: false).reserveSeconds < 1)
        // A minute that is left is a minute.
        #expect(evenings.safeSeconds(from: from, to: from + TimeSpan(seconds: 60)) == 60)
    }

    @Test("The file keeps all of it; a state of an older client has one figure")
    func coding() throws {
        let habits = Self.habits(days: 3, hours: 3..<9)
        let bytes = try JSONEncoder().encode(habits)
        #expect(try JSONDecoder().decode(Habits.self, from: bytes) == habits)
        var state = ClientState(attachment: Project().attachment)
        state.availability = 0.5
        let settings = Project().settings { $0.idle.always = false }
        let machine = ClientMachine(state: state, settings: settings, machineCores: 4, now: Self.start)
        let outlook = try #require(machine.state.habits).outlook(always: false)
        #expect(outlook.share == 0.5)
    }
}
