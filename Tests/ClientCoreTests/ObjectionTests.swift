import Bytes
import ClientCore
import Domain
import Preferences
import Testing

@Suite("What stands against computing, and against the network")
struct ObjectionTests {
    typealias Idle = IdlePolicyTests

    /// Everything at once.
    static let trouble: [ProbeReading] = [
        Idle.idle(1, at: 1), Idle.reading(.exclusiveProgram, .program("game"), at: 1),
        Idle.reading(.fullScreen, .fullScreen("a film"), at: 1),
        Idle.reading(.power, .power(isOnBattery: true, charge: 50), at: 1),
        Idle.reading(.temperature, .temperature(95.5, sensor: "Tctl"), at: 1),
        Idle.reading(.pressure, .pressure(cpu: 90, memory: 30, disk: 70), at: 1),
        Idle.reading(.permission, .permission(false, reason: "dear"), at: 1),
        Idle.reading(.network, .metered(true), at: 1),
    ]

    static func strict(_ settings: inout IdleSettings) {
        settings.preferences.pauses.exclusivePrograms = ["game"]
        settings.preferences.permission = Preferences.Permission(
            source: .file("/x"), timeLimitSeconds: 5, keepSeconds: 60)
    }

    @Test("All objections are told, each with its probe, its reason, and what would have to change")
    func allAtOnce() {
        var policy = Idle.computing(Self.strict)
        policy.update(Self.trouble, now: Idle.at(1))
        let objections = policy.allowance.objections
        #expect(
            objections.map(\.cause) == [
                .user, .exclusiveProgram, .fullScreen, .battery, .temperature, .memoryPressure, .diskPressure,
                .permission, .metered,
            ])
        #expect(
            objections.map(\.probe) == [
                .userInput, .exclusiveProgram, .fullScreen, .power, .temperature, .pressure, .pressure, .permission,
                .network,
            ])
        #expect(objections.allSatisfy { $0.since == Idle.at(1) && !$0.reason.isEmpty && !$0.until.isEmpty })
        #expect(objections[1].reason == "the program game runs")
        #expect(objections[4].reason == "the sensor Tctl shows 95.5 °C")
        #expect(objections[4].until == "it shows 85.0 °C or less")
        #expect(objections[7].reason == "your file or command says no: dear")
        #expect(!policy.allowance.mayUseNetwork && policy.allowance.releasesMemory)
    }

    @Test("Each objection keeps its own beginning, and goes by itself")
    func beginnings() {
        var policy = Idle.computing(Self.strict)
        for (second, reading) in Self.trouble.enumerated() {
            var reading = reading
            reading.at = Idle.at(Double(second))
            policy.update([reading, Idle.busy(0, at: Double(second))], now: Idle.at(Double(second)))
        }
        let since = policy.allowance.objections.map { Int(($0.since - Idle.start).seconds) }
        #expect(since == [0, 1, 2, 3, 4, 5, 5, 6, 7])
        policy.update([Idle.reading(.fullScreen, .fullScreen(nil), at: 8)], now: Idle.at(8))
        #expect(!Idle.causes(policy).contains(.fullScreen))
        policy.update([Idle.reading(.fullScreen, .fullScreen("x"), at: 9)], now: Idle.at(9))
        #expect(policy.allowance.objections.first { $0.cause == .fullScreen }?.since == Idle.at(9))
        #expect(policy.pausedSince == Idle.at(0), "the pause as a whole began with the first")
    }

    @Test("A preference that allows it silences its objection")
    func allowed() {
        var policy = Idle.computing { settings in
            settings.preferences.inUse.compute = true
            settings.preferences.pauses.inFullScreen = false
            settings.preferences.pauses.onBattery = false
            settings.preferences.pauses.chargeFloorPercent = 40
            settings.preferences.pauses.temperature = 100
            settings.preferences.pauses.memoryPressure = 30
            settings.preferences.pauses.diskPressure = 70
            settings.preferences.network.allowsMetered = true
        }
        policy.update(Self.trouble, now: Idle.at(1))
        #expect(policy.allowance.objections == [])
        #expect(policy.isComputing && policy.allowance.isInUse && policy.allowance.mayUseNetwork)
    }

    @Test("While it is in use, the limits of that state hold")
    func limits() {
        var policy = Idle.computing { settings in
            settings.preferences.inUse = Preferences.UseLimits(
                compute: true, cores: .percent(50), cpuPercent: 30, memoryPercent: 25)
        }
        #expect(policy.allowance.cores == 4 && policy.allowance.cpuPercent == 100)
        #expect(policy.allowance.memoryBytes == 6 << 30)
        policy.update([Idle.idle(1, at: 1)], now: Idle.at(1))
        #expect(policy.allowance.cores == 2 && policy.allowance.cpuPercent == 30)
        #expect(policy.allowance.memoryBytes == 2 << 30)
        #expect(policy.isComputing && policy.allowance.isInUse)
    }

    @Test("Computing may be forbidden while nobody is there, and allowed beside the user")
    func onlyInUse() {
        var policy = Idle.computing {
            $0.preferences.inUse.compute = true
            $0.preferences.notInUse.compute = false
        }
        #expect(Idle.causes(policy) == [.preferences])
        policy.update([Idle.idle(1, at: 1)], now: Idle.at(1))
        #expect(policy.isComputing)
    }

    @Test("Readings of the surroundings hold until the next one, and a dead probe never for ever")
    func surroundings() {
        for kind in [ProbeKind.temperature, .pressure, .power, .fullScreen, .exclusiveProgram, .network] {
            var policy = Idle.computing(Self.strict)
            let reading = Self.trouble.first { $0.kind == kind }!
            for second in [1.0, 100, 301] {
                policy.update(
                    [Idle.idle(500, at: second), Idle.busy(0, at: second)] + (second == 1 ? [reading] : []),
                    now: Idle.at(second))
                #expect(!policy.allowance.objections.isEmpty, "\(kind) at \(second)")
            }
            policy.update([Idle.idle(500, at: 302), Idle.busy(0, at: 302)], now: Idle.at(302))
            #expect(policy.allowance.objections == [], "\(kind)")
            policy.update([reading], now: Idle.at(303))
            policy.update([Idle.reading(kind, .unavailable("gone"), at: 304)], now: Idle.at(304))
            #expect(policy.allowance.objections == [], "\(kind)")
        }
    }

    @Test("The user's own word holds as long as it is not asked anew")
    func permission() {
        var policy = Idle.computing {
            $0.preferences.permission = Preferences.Permission(
                source: .command(["/x"]), timeLimitSeconds: 10, keepSeconds: 3600)
        }
        let no = Idle.reading(.permission, .permission(false, reason: "dear"), at: 0)
        policy.update([no], now: Idle.at(0))
        for (second, holds) in [(3600.0, true), (7210, true), (7211, false)] {
            policy.update([Idle.idle(9999, at: second), Idle.busy(0, at: second)], now: Idle.at(second))
            #expect(policy.isComputing == !holds, "\(second)")
        }
        // Nobody asks: what was said before does not count.
        var silent = Idle.computing()
        silent.update([no], now: Idle.at(1))
        #expect(silent.isComputing)
    }

    @Test("A bound with two edges is crossed where it should be, over drawn walks")
    func hysteresis() {
        var random = SeededGenerator(seed: 8)
        for _ in 0..<20 {
            var policy = Idle.computing {
                $0.preferences.pauses.onBattery = false
                $0.preferences.pauses.chargeFloorPercent = 40
            }
            var (hot, memory, disk, low) = (false, false, false, false)
            for second in 1...200 {
                let degrees = Double(random.nextIndex(below: 30)) + 75
                let (some, io) = (Double(random.nextIndex(below: 30)), Double(random.nextIndex(below: 90)))
                let charge = random.nextIndex(below: 20) + 30
                let at = Double(second)
                hot = degrees > 90 || hot && degrees > 85
                memory = some > 20 || memory && some > 10
                disk = io > 60 || disk && io > 30
                low = charge < 40 || low && charge < 45
                policy.update(
                    [
                        Idle.idle(500, at: at), Idle.busy(0, at: at),
                        Idle.reading(.temperature, .temperature(degrees, sensor: "x"), at: at),
                        Idle.reading(.pressure, .pressure(cpu: 100, memory: some, disk: io), at: at),
                        Idle.reading(.power, .power(isOnBattery: true, charge: charge), at: at),
                    ], now: Idle.at(at))
                let expected: [(Bool, Objection.Cause)] = [
                    (low, .battery), (hot, .temperature), (memory, .memoryPressure), (disk, .diskPressure),
                ]
                #expect(Idle.causes(policy) == expected.filter(\.0).map(\.1))
            }
        }
    }

    @Test("A battery that does not tell its charge is taken for low, unless no charge is too low; mains end it")
    func unknownCharge() {
        for (floor, computes) in [(1, false), (0, true)] {
            var policy = Idle.computing {
                $0.preferences.pauses.onBattery = false
                $0.preferences.pauses.chargeFloorPercent = floor
            }
            policy.update([Idle.reading(.power, .power(isOnBattery: true, charge: nil), at: 1)], now: Idle.at(1))
            #expect(policy.isComputing == computes)
            policy.update([Idle.reading(.power, .power(isOnBattery: false, charge: nil), at: 2)], now: Idle.at(2))
            #expect(policy.isComputing)
        }
    }

    @Test("Whoever always computes still saves a network that costs by the byte, unless it is allowed")
    func meteredAlways() {
        for allows in [false, true] {
            var policy = Idle.policy {
                $0.always = true
                $0.preferences.network.allowsMetered = allows
            }
            policy.update([Idle.reading(.network, .metered(true), at: 1)], now: Idle.at(1))
            #expect(policy.isComputing && policy.allowance.mayUseNetwork == allows)
            policy.update([Idle.reading(.network, .metered(false), at: 2)], now: Idle.at(2))
            #expect(policy.allowance.mayUseNetwork)
        }
    }

    @Test("Bytes of the network are counted against the day in which they moved")
    func dayLimit() throws {
        // 2027-01-15 08:00 UTC, 01:00 at seven hours west.
        var driver = Driver {
            $0.idle.preferences.network.bytesPerDay = 1000
        }
        driver.send(.utcOffset(seconds: -7 * 3600))
        let day = NetworkUsage.day(of: driver.now, utcOffsetSeconds: -7 * 3600)
        driver.send(.networkUsed(NetworkUsage(day: day, bytes: 999)))
        #expect(driver.machine.policy.allowance.mayUseNetwork)
        driver.send(.networkUsed(NetworkUsage(day: day, bytes: 1000)))
        let objection = try #require(driver.machine.policy.allowance.objections.first)
        #expect(objection.cause == .dayLimit && objection.cause.subject == .network)
        #expect(objection.endsAt == driver.now + TimeSpan(seconds: 23 * 3600))
        #expect(driver.machine.policy.isComputing, "what is here is computed all the same")
        driver.send(.tick, after: 23 * 3600 - 1)
        #expect(!driver.machine.policy.allowance.mayUseNetwork)
        driver.send(.tick, after: 1)
        #expect(driver.machine.policy.allowance.mayUseNetwork)
    }

    @Test("Every minute of a week, in two time zones and over a change of summer time: open when the windows say so")
    func everyMinute() throws {
        let windows = WeeklyWindows([
            WeeklyWindows.Window(days: 0b001_1111, start: 1320, end: 360),
            WeeklyWindows.Window(days: 0b110_0000, start: 0, end: 1440),
        ])
        var driver = Driver {
            $0.idle.preferences.computeWindows = windows
            $0.idle.preferences.networkWindows = windows
        }
        for minute in 0..<WeeklyWindows.weekMinutes {
            // In the middle of the week the clocks are set forward by an hour.
            let offset = minute < 5000 ? 3600 : 7200
            if minute == 0 || minute == 5000 { driver.send(.utcOffset(seconds: offset)) }
            driver.send(.tick, after: 60)
            let local = WeeklyWindows.minute(of: driver.now, utcOffsetSeconds: offset)
            let allowance = driver.machine.policy.allowance
            let isOpen = windows.contains(local)
            guard allowance.mayCompute == isOpen, allowance.mayUseNetwork == isOpen else {
                Issue.record("\(WeeklyWindows.text(minute: local)): \(allowance)")
                return
            }
            guard !isOpen else { continue }
            let ends = try #require(allowance.objections.first?.endsAt)
            let opening = WeeklyWindows.minute(of: ends, utcOffsetSeconds: offset)
            guard windows.contains(opening), !windows.contains((opening + 10_079) % 10_080) else {
                Issue.record("it does not open at \(WeeklyWindows.text(minute: opening))")
                return
            }
        }
    }

    @Test("A clock that is set back moves the beginnings with it")
    func clockBack() throws {
        var driver = Driver { $0.idle.always = false }
        driver.send(.probed(Idle.quiet(driver.now)))
        driver.send(.probed(PausingTests.here(driver.now)), after: 5)
        driver.send(.tick, after: 5)
        let since = try #require(driver.machine.policy.pause?.since)
        #expect((driver.now - since).seconds == 5)
        driver.send(.tick, after: -86_400)
        #expect(driver.machine.policy.pause?.since == driver.now + TimeSpan(seconds: -5))
    }
}
