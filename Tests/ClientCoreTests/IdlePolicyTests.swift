import ClientCore
import Domain
import Preferences
import Testing

@Suite("When the machine counts as idle")
struct IdlePolicyTests {
    static let start = Timestamp(seconds: 1_800_000_000)
    static let inputs: [ProbeKind] = [.userInput, .session, .inputDevices, .terminals]

    static func at(_ seconds: Double) -> Timestamp { start + TimeSpan(seconds: seconds) }

    static func idle(_ idleSeconds: Double, at seconds: Double, _ kind: ProbeKind = .userInput) -> ProbeReading {
        ProbeReading(kind: kind, value: .idle(milliseconds: Int64(idleSeconds * 1000)), at: at(seconds))
    }

    static func busy(_ cores: Double, at seconds: Double) -> ProbeReading {
        ProbeReading(kind: .otherLoad, value: .busy(cores: cores), at: at(seconds))
    }

    static func reading(_ kind: ProbeKind, _ value: ProbeReading.Value, at seconds: Double) -> ProbeReading {
        ProbeReading(kind: kind, value: value, at: at(seconds))
    }

    /// Sources of input that this machine has not, but for one.
    static func missing(but one: ProbeKind? = .userInput, _ now: Timestamp) -> [ProbeReading] {
        inputs.filter { $0 != one }.map { ProbeReading(kind: $0, value: .unavailable("none"), at: now) }
    }

    /// Nobody is here, and nothing else runs.
    static func quiet(_ now: Timestamp) -> [ProbeReading] {
        [
            ProbeReading(kind: .userInput, value: .idle(milliseconds: 10_000_000), at: now),
            ProbeReading(kind: .otherLoad, value: .busy(cores: 0), at: now),
        ] + missing(now)
    }

    static func policy(_ change: (inout IdleSettings) -> Void = { _ in }) -> IdlePolicy {
        var settings = IdleSettings()
        change(&settings)
        return IdlePolicy(settings: settings, cores: 4, memoryBytes: 8 << 30, now: start)
    }

    /// One that has heard everything, and computes.
    static func computing(_ change: (inout IdleSettings) -> Void = { _ in }) -> IdlePolicy {
        var policy = policy(change)
        policy.update(quiet(start), now: start)
        return policy
    }

    static func causes(_ policy: IdlePolicy) -> [Objection.Cause] { policy.allowance.objections.map(\.cause) }

    @Test("Nothing is computed before every source of input and the load have spoken")
    func beginsPaused() {
        var policy = Self.policy()
        #expect(!policy.isComputing)
        #expect(Self.causes(policy) == [.notLookedAt])
        policy.update([Self.busy(0, at: 0), Self.idle(1000, at: 0)], now: Self.at(0))
        #expect(!policy.isComputing)
        policy.update(Self.missing(Self.at(1)), now: Self.at(1))
        #expect(policy.isComputing)
    }

    @Test("A source that never speaks is waited for ten seconds, the load no longer than a dead one")
    func firstLookEnds() {
        var policy = Self.policy()
        policy.update([Self.busy(0, at: 0)], now: Self.at(9.9))
        #expect(Self.causes(policy) == [.notLookedAt])
        policy.update([], now: Self.at(10))
        #expect(policy.isComputing)
        var deaf = Self.policy()
        deaf.update([], now: Self.at(299))
        #expect(Self.causes(deaf) == [.notLookedAt])
        deaf.update([], now: Self.at(300))
        #expect(deaf.isComputing)
    }

    @Test("Always means always, whatever the probes say")
    func always() {
        var policy = Self.policy { $0.always = true }
        #expect(policy.isComputing)
        policy.update(
            [
                Self.idle(0, at: 0), Self.busy(4, at: 0),
                Self.reading(.temperature, .temperature(200, sensor: "x"), at: 0),
                Self.reading(.power, .power(isOnBattery: true, charge: 1), at: 0),
                Self.reading(.network, .metered(false), at: 0),
            ], now: Self.at(3))
        #expect(policy.allowance.objections == [])
        #expect(policy.isComputing && policy.allowance.mayUseNetwork && !policy.allowance.isInUse)
    }

    static let users: [(idle: Double, computes: Bool)] = [
        (0, false), (3, false), (179.9, false), (180, true), (9e5, true),
    ]

    @Test("The user must have been away for the quiet period, whichever source saw him", arguments: users, inputs)
    func quietPeriod(user: (idle: Double, computes: Bool), source: ProbeKind) {
        var policy = Self.policy()
        let others = Self.missing(but: source, Self.start)
        policy.update(others + [Self.busy(0, at: 0), Self.idle(user.idle, at: 0, source)], now: Self.at(0))
        #expect(policy.isComputing == user.computes)
        #expect(policy.allowance.isInUse == !user.computes)
    }

    @Test("The first key press pauses at once, and says why and until when")
    func userReturns() throws {
        var policy = Self.computing()
        policy.update([Self.idle(0.02, at: 0.5)], now: Self.at(0.5))
        let pause = try #require(policy.pause)
        #expect(pause.probe == .userInput && pause.cause == .user)
        #expect(pause.since == Self.at(0.5) && policy.pausedSince == Self.at(0.5))
        #expect(pause.reason == "keyboard or pointer were used 0 s ago")
        #expect(pause.until == "they were not used for 180 s")
        #expect(pause.endsAt == Self.at(0.5 + 180 - 0.02))
        // The pause keeps its beginning while it lasts.
        policy.update([Self.idle(10, at: 10.5), Self.busy(0, at: 10.5)], now: Self.at(10.5))
        #expect(policy.pause?.since == Self.at(0.5))
        policy.update([Self.idle(181, at: 181.5), Self.busy(0, at: 181)], now: Self.at(181.5))
        #expect(policy.isComputing && policy.pausedSince == nil)
    }

    @Test("A short burst of other work is no reason to stop, a lasting one is, and then there is a quiet period")
    func otherLoad() {
        var policy = Self.computing()
        policy.update([Self.busy(3, at: 1)], now: Self.at(1))
        #expect(policy.isComputing)
        policy.update([Self.busy(0.5, at: 2)], now: Self.at(2))
        for second in 3...5 {
            policy.update([Self.busy(3, at: Double(second))], now: Self.at(Double(second)))
        }
        #expect(policy.pause?.reason == "other programs use 3.0 cores")
        #expect(policy.pause?.until == "they used at most 1.0 for 60 s")
        for second in 6...64 {
            policy.update(
                [Self.busy(0, at: Double(second)), Self.idle(500, at: Double(second))], now: Self.at(Double(second)))
            // The load has fallen: its last moment over the bound was second 5.
            #expect(policy.pause?.reason == "other programs were busy until \(second - 5) s ago")
            #expect(policy.pause?.until == "they were quiet for \(65 - second) s more")
            #expect(policy.pause?.endsAt == Self.at(65))
        }
        policy.update([Self.busy(0, at: 65), Self.idle(500, at: 65)], now: Self.at(65))
        #expect(policy.isComputing)
    }

    /// What a source of input may be found in, as seen at second 1000: its reading, and what it tells.
    static let conditions: [(value: ProbeReading.Value?, at: Double)] = [
        (nil, 0), (.unavailable("gone"), 999), (.idle(milliseconds: 3_600_000), 999), (.idle(milliseconds: 1000), 999),
        // Silent for 50 s: somebody was there then, or nobody.
        (.idle(milliseconds: 1000), 950), (.idle(milliseconds: 3_600_000), 950),
        // Silent for 400 s.
        (.idle(milliseconds: 0), 600),
    ]

    @Test("Every mixture of four sources is judged by the least idle of those that speak, and no dead one blocks")
    func everyMixture() {
        let count = Self.conditions.count
        for number in 0..<(count * count * count * count) {
            var rest = number
            let found = Self.inputs.map { kind in
                defer { rest /= count }
                return (kind, Self.conditions[rest % count])
            }
            var policy = Self.policy()
            let readings = found.compactMap { kind, condition in
                condition.value.map { ProbeReading(kind: kind, value: $0, at: Self.at(condition.at)) }
            }
            policy.update(readings + [Self.busy(0, at: 999)], now: Self.at(1000))
            let idles = found.compactMap { _, condition -> (idle: Double, age: Double)? in
                guard case .idle(let milliseconds)? = condition.value else { return nil }
                return (Double(milliseconds) / 1000 + 1000 - condition.at, 1000 - condition.at)
            }
            let touched = idles.contains { $0.idle < 180 }
            let speaks = idles.contains { $0.age <= 10 }
            let mayBeThere = !speaks && idles.contains { $0.age <= 300 }
            #expect(policy.allowance.isInUse == (touched || mayBeThere), "\(found)")
            #expect(Self.causes(policy) == (touched ? [.user] : mayBeThere ? [.silence] : []), "\(found)")
        }
    }

    @Test("All sources silent: somebody may be there, for five minutes; then they count as not there")
    func silence() throws {
        var policy = Self.computing()
        policy.update([Self.busy(0, at: 30)], now: Self.at(30))
        #expect(policy.isComputing)
        policy.update([Self.busy(0, at: 31)], now: Self.at(31))
        let pause = try #require(policy.pause)
        #expect(pause.cause == .silence && pause.probe == .userInput)
        #expect(pause.reason == "no reading of user input for 31 s")
        #expect(pause.endsAt == Self.at(300))
        policy.update([Self.busy(0, at: 300)], now: Self.at(300))
        #expect(!policy.isComputing)
        policy.update([Self.busy(0, at: 301)], now: Self.at(301))
        #expect(policy.isComputing)
    }

    @Test("Whoever touched the machine is still there when the source that told it has gone", arguments: inputs)
    func sourceGoes(source: ProbeKind) throws {
        var policy = Self.policy()
        policy.update(
            Self.missing(but: source, Self.start) + [Self.busy(0, at: 0), Self.idle(2, at: 0, source)], now: Self.start)
        for second in [1.0, 100, 177.9] {
            policy.update(
                [Self.reading(source, .unavailable("gone"), at: second), Self.busy(0, at: second)],
                now: Self.at(second))
            let pause = try #require(policy.pause)
            #expect(pause.cause == .user && pause.probe == source && pause.endsAt == Self.at(178))
        }
        policy.update([Self.busy(0, at: 178)], now: Self.at(178))
        #expect(policy.isComputing && !policy.allowance.isInUse)
        // Nobody was there when it went.
        var away = Self.computing()
        away.update([Self.reading(.userInput, .unavailable("gone"), at: 1)], now: Self.at(1))
        #expect(away.isComputing)
    }

    @Test("A touch told just before the clock was set back keeps nobody waiting until the clock is there again")
    func touchOfTheFuture() {
        var policy = Self.policy()
        policy.update(
            Self.missing(Self.start) + [Self.busy(0, at: 0), Self.idle(2, at: 3600)], now: Self.start)
        policy.update(
            [Self.reading(.userInput, .unavailable("gone"), at: 1), Self.busy(0, at: 1)], now: Self.at(1))
        #expect(policy.pause?.endsAt == Self.at(178))
        policy.update([Self.busy(0, at: 178)], now: Self.at(178))
        #expect(policy.isComputing)
    }

    @Test("A load that is no longer told objects for as long, and not longer")
    func silentLoad() {
        var policy = Self.computing()
        policy.update([Self.idle(500, at: 31)], now: Self.at(31))
        #expect(policy.pause?.reason == "no reading of other programs for 31 s")
        policy.update([Self.idle(500, at: 301)], now: Self.at(301))
        #expect(policy.isComputing)
    }

    @Test("A machine without any source has no user: its load alone decides")
    func server() {
        var policy = Self.policy()
        policy.update(Self.missing(but: nil, Self.start) + [Self.busy(0, at: 0)], now: Self.at(0))
        #expect(policy.isComputing && !policy.allowance.isInUse)
        policy.update([Self.busy(0, at: 5000)], now: Self.at(5000))
        #expect(policy.isComputing)
        for second in 5001...5004 {
            policy.update([Self.busy(3, at: Double(second))], now: Self.at(Double(second)))
        }
        #expect(Self.causes(policy) == [.otherLoad])
    }
}
