import Domain
import Preferences

/// Who is at the machine.
enum Desk: Hashable, Sendable {
    /// The probe with the latest touch, and how long ago that was.
    case somebody(ProbeKind, idleSeconds: Double)
    /// No source says anything now; this one did last, so long ago.
    case unknown(ProbeKind, silentSeconds: Double)
    case nobody
    /// Nothing here can tell: a server.
    case noSource

    var isInUse: Bool {
        switch self {
        case .somebody, .unknown: true
        case .nobody, .noSource: false
        }
    }
}

/// What stands against computing and against using the network.
extension IdlePolicy {
    /// The least idle of the sources decides.
    func desk(_ now: Timestamp) -> Desk {
        var least: (kind: ProbeKind, idle: Double)?
        var latest: (kind: ProbeKind, age: Double)?
        for reading in readings where reading.kind.isInput {
            guard case .idle(let milliseconds) = reading.value else {
                guard let touch = touches[reading.kind] else { continue }
                let idle = max(0, (now - touch).seconds)
                if idle < least?.idle ?? .infinity { least = (reading.kind, idle) }
                continue
            }
            let age = age(reading, now)
            let idle = Double(milliseconds) / 1000 + age
            if idle < least?.idle ?? .infinity { least = (reading.kind, idle) }
            if age < latest?.age ?? .infinity { latest = (reading.kind, age) }
        }
        if let least, least.idle < settings.preferences.idleSeconds {
            return .somebody(least.kind, idleSeconds: least.idle)
        }
        guard let latest else { return .noSource }
        if latest.age <= settings.staleSeconds { return .nobody }
        return latest.age <= settings.forgetSeconds ? .unknown(latest.kind, silentSeconds: latest.age) : .noSource
    }

    /// All of them, in the order of their causes; `since` is put in by the caller.
    func objections(_ desk: Desk, _ limits: Preferences.UseLimits, _ now: Timestamp) -> [Objection] {
        var found: [Objection] = []
        if !settings.always {
            found += [
                firstLook(now), user(desk, now), compute(desk, limits, now), silentLoad(now), otherLoad(now),
                program(now), fullScreen(now), battery(now), heat(now), memory(now), disk(now), permission(now),
            ].compactMap { $0 }
        }
        let minute = WeeklyWindows.minute(of: now, utcOffsetSeconds: utcOffsetSeconds)
        let windows = settings.preferences
        found += [
            window(.computeWindow, windows.computeWindows, minute, now),
            window(.networkWindow, windows.networkWindows, minute, now), metered(now), dayLimit(minute, now),
        ].compactMap { $0 }
        let order = Objection.Cause.allCases
        return found.sorted { order.firstIndex(of: $0.cause)! < order.firstIndex(of: $1.cause)! }
    }

    private func objection(
        _ cause: Objection.Cause, _ probe: ProbeKind?, _ reason: String, _ until: String, _ now: Timestamp,
        endsAt: Timestamp? = nil
    ) -> Objection {
        Objection(cause: cause, probe: probe, reason: reason, since: now, until: until, endsAt: endsAt)
    }

    // MARK: - Somebody is there

    /// Nothing is computed before the sources of input and the load have been heard, as far as they speak at all.
    private func firstLook(_ now: Timestamp) -> Objection? {
        let waited = (now - began).seconds
        guard waited < settings.forgetSeconds else { return nil }
        let heard = Set(readings.map(\.kind))
        let inputsHeard = ProbeKind.allCases.filter(\.isInput).allSatisfy(heard.contains)
        guard
            !inputsHeard && waited < settings.firstWordSeconds
                || !heard.contains(.otherLoad)
        else { return nil }
        return objection(
            .notLookedAt, nil, "the machine was not looked at yet", "the first readings are here", now)
    }

    private func user(_ desk: Desk, _ now: Timestamp) -> Objection? {
        guard !settings.preferences.inUse.compute, case .somebody(let kind, let idle) = desk else { return nil }
        let quiet = settings.preferences.idleSeconds
        return objection(
            .user, kind, "\(kind.touched) \(Int(idle)) s ago", "\(kind.untouched) for \(Int(quiet)) s", now,
            endsAt: now + TimeSpan(seconds: quiet - idle))
    }

    private func compute(_ desk: Desk, _ limits: Preferences.UseLimits, _ now: Timestamp) -> Objection? {
        guard !limits.compute else { return nil }
        switch desk {
        case .somebody: return nil
        case .unknown(let kind, let seconds):
            return objection(
                .silence, kind, "no reading of \(kind.rawValue) for \(Int(seconds)) s",
                "it can be read again, or was silent for \(Int(settings.forgetSeconds)) s", now,
                endsAt: now + TimeSpan(seconds: settings.forgetSeconds - seconds))
        case .nobody, .noSource:
            return objection(
                .preferences, nil, "the preferences forbid computing while nobody uses the computer",
                "`not_in_use.compute` is yes, or somebody uses it", now)
        }
    }

    // MARK: - Others need the machine

    private func silentLoad(_ now: Timestamp) -> Objection? {
        guard let reading = readings.first(where: { $0.kind == .otherLoad }), case .busy = reading.value else {
            return nil
        }
        let age = age(reading, now)
        guard age > settings.staleSeconds, age <= settings.forgetSeconds else { return nil }
        return objection(
            .otherLoad, .otherLoad, "no reading of \(ProbeKind.otherLoad.rawValue) for \(Int(age)) s",
            "it can be read again, or was silent for \(Int(settings.forgetSeconds)) s", now,
            endsAt: now + TimeSpan(seconds: settings.forgetSeconds - age))
    }

    private func otherLoad(_ now: Timestamp) -> Objection? {
        guard let reading = readings.first(where: { $0.kind == .otherLoad }), case .busy(let busy) = reading.value,
            age(reading, now) <= settings.staleSeconds, let until = loadBlockedUntil, now < until
        else { return nil }
        guard busy > loadMaxCores else {
            let left = (until - now).seconds
            let quiet = settings.loadQuietSeconds - left
            return objection(
                .otherLoad, .otherLoad, "other programs were busy until \(Int(max(0, quiet))) s ago",
                "they were quiet for \(Int(left.rounded(.up))) s more", now, endsAt: until)
        }
        return objection(
            .otherLoad, .otherLoad, "other programs use \(tenths(busy)) cores",
            "they used at most \(tenths(loadMaxCores)) for \(Int(settings.loadQuietSeconds)) s", now)
    }

    private func program(_ now: Timestamp) -> Objection? {
        // A list that was changed meanwhile no longer speaks of the program that was seen.
        guard case .program(let name?)? = value(.exclusiveProgram, now),
            settings.preferences.pauses.exclusivePrograms.contains(name)
        else { return nil }
        return objection(.exclusiveProgram, .exclusiveProgram, "the program \(name) runs", "it has ended", now)
    }

    private func fullScreen(_ now: Timestamp) -> Objection? {
        guard settings.preferences.pauses.inFullScreen, case .fullScreen(let window?)? = value(.fullScreen, now)
        else { return nil }
        return objection(.fullScreen, .fullScreen, "\(window) fills the screen", "it no longer does", now)
    }

    // MARK: - The machine needs rest

    private func battery(_ now: Timestamp) -> Objection? {
        let pauses = settings.preferences.pauses
        guard case .power(isOnBattery: true, let charge)? = value(.power, now) else { return nil }
        if pauses.onBattery {
            return objection(.battery, .power, "the computer runs on its battery", "it is on mains again", now)
        }
        guard isChargeLow else { return nil }
        let enough = "its charge is \(Self.chargeEnough(pauses.chargeFloorPercent)) %, or it is on mains again"
        let reason = charge.map { "the battery's charge is \($0) %" } ?? "the battery does not tell its charge"
        return objection(.battery, .power, reason, enough, now)
    }

    private func heat(_ now: Timestamp) -> Objection? {
        guard isHot, case .temperature(let degrees, let sensor)? = value(.temperature, now) else { return nil }
        let pauses = settings.preferences.pauses
        return objection(
            .temperature, .temperature, "the sensor \(sensor) shows \(tenths(degrees)) °C",
            "it shows \(tenths(pauses.temperature - pauses.temperatureMargin)) °C or less", now)
    }

    private func memory(_ now: Timestamp) -> Objection? {
        guard isMemoryShort, case .pressure(_, let memory, _)? = value(.pressure, now) else { return nil }
        return objection(
            .memoryPressure, .pressure, "programs waited for memory \(tenths(memory)) % of the time",
            "they waited \(tenths(Double(settings.preferences.pauses.memoryPressure) / 2)) % of it or less", now)
    }

    private func disk(_ now: Timestamp) -> Objection? {
        guard isDiskSlow, case .pressure(_, _, let disk)? = value(.pressure, now) else { return nil }
        return objection(
            .diskPressure, .pressure, "programs waited for a disk \(tenths(disk)) % of the time",
            "they waited \(tenths(Double(settings.preferences.pauses.diskPressure) / 2)) % of it or less", now)
    }

    private func permission(_ now: Timestamp) -> Objection? {
        guard settings.preferences.permission != nil, case .permission(false, let reason)? = value(.permission, now)
        else { return nil }
        return objection(
            .permission, .permission, "your file or command says no: \(reason)", "it says yes", now)
    }

    // MARK: - The clock and the network

    private func window(
        _ cause: Objection.Cause, _ windows: WeeklyWindows, _ minute: Int, _ now: Timestamp
    ) -> Objection? {
        guard !windows.contains(minute) else { return nil }
        let field = cause == .computeWindow ? "windows.compute" : "windows.network"
        let reason = "it is \(WeeklyWindows.text(minute: minute)), outside of `\(field)`"
        guard let step = windows.minutesToChange(from: minute) else {
            return objection(cause, nil, reason, "`\(field)` names another time", now)
        }
        let opens = WeeklyWindows.text(minute: (minute + step) % WeeklyWindows.weekMinutes)
        return objection(cause, nil, reason, "it is \(opens)", now, endsAt: end(step, now))
    }

    /// So many minutes after the beginning of this one.
    private func end(_ minutes: Int, _ now: Timestamp) -> Timestamp {
        let begun = now.milliseconds - ((now.milliseconds % 60_000) + 60_000) % 60_000
        return Timestamp(milliseconds: begun + Int64(minutes) * 60_000)
    }

    private func metered(_ now: Timestamp) -> Objection? {
        guard !settings.preferences.network.allowsMetered, case .metered(true)? = value(.network, now) else {
            return nil
        }
        return objection(
            .metered, .network, "the network costs by the byte",
            "another one is in use, or `network.on_metered` allows it",
            now)
    }

    private func dayLimit(_ minute: Int, _ now: Timestamp) -> Objection? {
        guard let limit = settings.preferences.network.bytesPerDay, let usage,
            usage.day == NetworkUsage.day(of: now, utcOffsetSeconds: utcOffsetSeconds), usage.bytes >= limit
        else { return nil }
        return objection(
            .dayLimit, nil, "\(usage.bytes / 1_000_000) MB were sent and fetched today", "it is midnight", now,
            endsAt: end(1440 - minute % 1440, now))
    }

    private func tenths(_ value: Double) -> String {
        let tenths = Int((min(max(value, -1e6), 1e6) * 10).rounded())
        return "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }
}

extension ProbeKind {
    /// What was touched, with its verb.
    var touched: String {
        switch self {
        case .terminals: "a terminal was used"
        default: "keyboard or pointer were used"
        }
    }

    var untouched: String {
        switch self {
        case .terminals: "none was used"
        default: "they were not used"
        }
    }
}
