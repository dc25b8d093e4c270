import Domain
import Preferences

/// Decides from probe readings, preferences and local time what may be done: pauses at the first objection, goes on
/// when there is none.
///
/// - Somebody is there when any source of input tells of a touch within `in_use.idle_after`: an old reading still tells
///   that. When all sources that spoke are silent, somebody may be there, for `forgetSeconds`; a source that is
///   unavailable, or was silent for longer, counts as none but for the touch that it told of before. A machine without
///   any has no user.
/// - Readings of the surroundings hold until the next one, or for `forgetSeconds`: a dead probe never blocks for ever.
public struct IdlePolicy: Hashable, Sendable {
    public internal(set) var settings: IdleSettings
    /// Of the whole machine.
    let cores: Int
    /// 0: not known.
    let memoryBytes: Int64
    public private(set) var allowance: Allowance
    /// The last reading of each probe, in the order of `ProbeKind`.
    public internal(set) var readings: [ProbeReading] = []
    /// When somebody last touched the machine, by each source of input that ever told. It holds when the source goes: a
    /// display that ends, or is too busy to answer, does not send away whoever sits before it.
    private(set) var touches: [ProbeKind: Timestamp] = [:]
    /// Local time minus UTC; the edge tells it, and tells it anew when summer time begins or ends.
    public internal(set) var utcOffsetSeconds = 0
    public internal(set) var usage: NetworkUsage?

    /// When the machine began to listen to its probes.
    var began: Timestamp
    var overloadSince: Timestamp?
    var loadBlockedUntil: Timestamp?
    /// What has passed its bound and not come back far enough.
    var isHot = false
    var isMemoryShort = false
    var isDiskSlow = false
    var isChargeLow = false
    /// Since when each cause stands.
    private var standing: [Objection.Cause: Timestamp] = [:]
    /// Since when nothing is computed, whoever objects; nil: it is.
    public private(set) var pausedSince: Timestamp?

    /// - Parameter cores: of the whole machine.
    /// - Parameter memoryBytes: of the whole machine; 0: not known.
    public init(settings: IdleSettings, cores: Int, memoryBytes: Int64 = 0, now: Timestamp) {
        self.settings = settings
        self.cores = max(1, cores)
        self.memoryBytes = memoryBytes
        began = now
        allowance = Allowance(
            isInUse: false, mayCompute: false, mayUseNetwork: false, cores: 1, cpuPercent: 100, memoryBytes: nil,
            releasesMemory: false, objections: [])
        decide(now)
    }

    public var isComputing: Bool { allowance.mayCompute }

    /// What stands against computing first; nil: nothing does.
    public var pause: Objection? { allowance.objections.first { $0.cause.subject == .computing } }

    /// Takes readings in, and decides. Without new readings it decides anew by their age and by the clock.
    public mutating func update(_ new: [ProbeReading], now: Timestamp) {
        for reading in new { take(reading, now) }
        decide(now)
    }

    /// The machine slept: as at a start, nothing is computed before it was looked at.
    mutating func beginAnew(_ now: Timestamp) {
        readings = []
        touches = [:]
        began = now
        overloadSince = nil
        loadBlockedUntil = nil
    }

    private mutating func decide(_ now: Timestamp) {
        judgeLevels(now)
        let desk = desk(now)
        let isInUse = !settings.always && desk.isInUse
        let limits = isInUse ? settings.preferences.inUse : settings.preferences.notInUse
        var objections = objections(desk, limits, now)
        var still: [Objection.Cause: Timestamp] = [:]
        for at in objections.indices {
            let since = standing[objections[at].cause] ?? now
            objections[at].since = since
            still[objections[at].cause] = since
        }
        standing = still
        let mayCompute = !objections.contains { $0.cause.subject == .computing }
        pausedSince = mayCompute ? nil : pausedSince ?? now
        allowance = Allowance(
            isInUse: isInUse, mayCompute: mayCompute,
            mayUseNetwork: !objections.contains { $0.cause.subject == .network },
            cores: limits.cores.count(of: cores), cpuPercent: limits.cpuPercent,
            memoryBytes: memoryBytes > 0
                ? memoryBytes / 100 * Int64(limits.memoryPercent) + memoryBytes % 100 * Int64(limits.memoryPercent)
                    / 100 : nil,
            releasesMemory: objections.contains { $0.cause == .memoryPressure }, objections: objections)
    }

    // MARK: - Readings

    private mutating func take(_ reading: ProbeReading, _ now: Timestamp) {
        readings.removeAll { $0.kind == reading.kind }
        readings.append(reading)
        let order = ProbeKind.allCases
        readings.sort { order.firstIndex(of: $0.kind)! < order.firstIndex(of: $1.kind)! }
        if reading.kind.isInput, case .idle(let milliseconds) = reading.value {
            // A reading that was on its way when the clock was set back is no touch of the future: where it is the last
            // of its source, nothing would put that right.
            touches[reading.kind] = min(reading.at, now) + TimeSpan(milliseconds: -milliseconds)
        }
        guard case .busy(let busy) = reading.value else { return }
        if busy > loadMaxCores {
            let since = overloadSince ?? reading.at
            overloadSince = since
            if (reading.at - since).seconds >= settings.loadSustainSeconds {
                loadBlockedUntil = reading.at + TimeSpan(seconds: settings.loadQuietSeconds)
            }
        } else {
            overloadSince = nil
        }
    }

    /// Others may keep this many cores busy.
    var loadMaxCores: Double { settings.preferences.pauses.otherLoad * Double(cores) }

    /// Seconds since a reading was made.
    func age(_ reading: ProbeReading, _ now: Timestamp) -> Double { max(0, (now - reading.at).seconds) }

    /// The value of a probe of the surroundings; nil: there is none that still holds.
    func value(_ kind: ProbeKind, _ now: Timestamp) -> ProbeReading.Value? {
        guard let reading = readings.first(where: { $0.kind == kind }) else { return nil }
        var holds = settings.forgetSeconds
        if kind == .permission, let permission = settings.preferences.permission {
            // Nobody asks again before.
            holds = max(holds, 2 * permission.keepSeconds + permission.timeLimitSeconds)
        }
        return age(reading, now) <= holds ? reading.value : nil
    }

    /// Bounds with two edges: what has passed one must come back over the other, or workers would start and stop with
    /// every reading.
    private mutating func judgeLevels(_ now: Timestamp) {
        let pauses = settings.preferences.pauses
        func isOver(_ value: Double, _ max: Double, _ back: Double, _ was: Bool) -> Bool {
            value > max || was && value > back
        }
        if case .temperature(let degrees, _)? = value(.temperature, now) {
            isHot = isOver(degrees, pauses.temperature, pauses.temperature - pauses.temperatureMargin, isHot)
        } else {
            isHot = false
        }
        if case .pressure(_, let memory, let disk)? = value(.pressure, now) {
            let (memoryMax, diskMax) = (Double(pauses.memoryPressure), Double(pauses.diskPressure))
            isMemoryShort = isOver(memory, memoryMax, memoryMax / 2, isMemoryShort)
            isDiskSlow = isOver(disk, diskMax, diskMax / 2, isDiskSlow)
        } else {
            (isMemoryShort, isDiskSlow) = (false, false)
        }
        if case .power(isOnBattery: true, let charge)? = value(.power, now) {
            let floor = pauses.chargeFloorPercent
            isChargeLow =
                charge.map { $0 < floor || isChargeLow && $0 < Self.chargeEnough(floor) } ?? (floor > 0)
        } else {
            isChargeLow = false
        }
    }

    /// The charge at which computing goes on.
    static func chargeEnough(_ floor: Int) -> Int { floor == 0 ? 0 : min(100, floor + 5) }

    /// The clock was set back: every moment that is kept moves with it.
    ///
    /// - Parameter step: negative.
    mutating func setClockBack(by step: TimeSpan) {
        began = began + step
        overloadSince = overloadSince.map { $0 + step }
        loadBlockedUntil = loadBlockedUntil.map { $0 + step }
        pausedSince = pausedSince.map { $0 + step }
        standing = standing.mapValues { $0 + step }
        touches = touches.mapValues { $0 + step }
        for at in readings.indices { readings[at].at = readings[at].at + step }
    }
}
