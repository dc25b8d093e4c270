import CPosix
import ClientCore
import Domain
import WorkerHost

/// All probes of a client: reads each in its own time, closely while tasks run and seldom while none do, and reports.
///
/// Used by the client's deciding thread; nothing here makes it wait.
public final class ProbeSet {
    private var settings: ProbeSettings
    private let roots: ProbeRoots
    private let report: @Sendable ([ProbeReading]) -> Void
    private let reader: ProbeReader
    private let x11: X11IdleProbe?
    private var load: OtherLoadProbe?
    private var loadDue = 0.0
    private var isComputing: Bool?

    /// Begins to look.
    ///
    /// - Parameter report: gets readings, on whatever thread they came.
    public init(
        settings: ProbeSettings, roots: ProbeRoots = ProbeRoots(), x11 display: X11Display = .ofEnvironment,
        report: @escaping @Sendable ([ProbeReading]) -> Void
    ) {
        self.settings = settings
        self.roots = roots
        self.report = report
        let isOn = { @Sendable (kind: ProbeKind) in !settings.off.contains(kind) }
        reader = ProbeReader(Self.sources(settings, roots).filter { isOn($0.kind) }, report: report)
        x11 =
            isOn(.userInput) || isOn(.fullScreen)
            ? X11IdleProbe(display: display) { if isOn($0.kind) { report([$0]) } } : nil
        load = isOn(.otherLoad) ? OtherLoadProbe(proc: roots.proc) : nil
        report(Self.silent(settings))
    }

    private static func sources(_ settings: ProbeSettings, _ roots: ProbeRoots) -> [any ProbeSource] {
        var sources: [any ProbeSource] = [
            SessionProbe(roots: roots), InputDeviceProbe(roots: roots), TerminalProbe(roots: roots),
            PowerProbe(roots: roots), TemperatureProbe(roots: roots), PressureProbe(roots: roots),
            NetworkProbe(roots: roots),
        ]
        for kind in owned { sources += source(kind, settings, roots).map { [$0] } ?? [] }
        return sources
    }

    /// Those that look at what the owner names.
    private static let owned: [ProbeKind] = [.exclusiveProgram, .permission]

    /// - Returns: nil when the owner names nothing for it.
    private static func source(_ kind: ProbeKind, _ settings: ProbeSettings, _ roots: ProbeRoots) -> (any ProbeSource)?
    {
        if kind == .exclusiveProgram, !settings.exclusivePrograms.isEmpty {
            return ExclusiveProgramProbe(roots: roots, programs: settings.exclusivePrograms)
        }
        if kind == .permission, settings.permissionFile != nil || !settings.permissionCommand.isEmpty {
            return PermissionProbe(settings: settings)
        }
        return nil
    }

    /// Looks at what the owner names now; what was seen of the rest stays as it is.
    public func take(_ new: ProbeSettings) {
        guard new != settings else { return }
        let old = settings
        settings = new
        settings.off = old.off
        let changed = Set(Self.owned.filter { Self.names($0, old) != Self.names($0, new) }).subtracting(old.off)
        reader.replace(changed, with: changed.compactMap { Self.source($0, settings, roots) })
        let silent = Self.silent(settings).filter { changed.contains($0.kind) }
        if !silent.isEmpty { report(silent) }
    }

    /// Of the settings, what this kind depends on.
    private static func names(_ kind: ProbeKind, _ settings: ProbeSettings) -> ProbeSettings {
        var part = ProbeSettings()
        if kind == .exclusiveProgram {
            part.exclusivePrograms = settings.exclusivePrograms
        } else {
            part = settings
            part.exclusivePrograms = []
            part.off = []
        }
        return part
    }

    /// Of those that have nothing to look at.
    private static func silent(_ settings: ProbeSettings) -> [ProbeReading] {
        ProbeKind.allCases.compactMap { kind in
            let why: String
            switch kind {
            case _ where settings.off.contains(kind): why = "switched off"
            case .exclusiveProgram where settings.exclusivePrograms.isEmpty: why = "no programs are named"
            case .permission where settings.permissionFile == nil && settings.permissionCommand.isEmpty:
                why = "neither a file nor a command is named"
            default: return nil
            }
            return ProbeReading(
                kind: kind, value: .unavailable(why), at: Timestamp(milliseconds: millrace_wall_milliseconds()))
        }
    }

    /// Looks after the probes: call it once a second while tasks run, and every few seconds while none do.
    ///
    /// - Parameter ownCPUSeconds: of the client and its workers, ended ones included; asked when it is needed.
    public func tend(isComputing: Bool, ownCPUSeconds: () -> Double) {
        let now = millrace_monotonic_seconds()
        if isComputing != self.isComputing { loadDue = 0 }
        self.isComputing = isComputing
        x11?.tend(isComputing: isComputing)
        reader.tend(isComputing: isComputing)
        guard load != nil, now >= loadDue else { return }
        // A moment early is better than a whole round late.
        loadDue = now + ProbeKind.otherLoad.period.seconds(isComputing: isComputing) - 0.1
        let reading = load?.read(
            ownCPUSeconds: ownCPUSeconds(), monotonicSeconds: now,
            now: Timestamp(milliseconds: millrace_wall_milliseconds()))
        if let reading { report([reading]) }
    }

    deinit { stop() }

    public func stop() {
        x11?.stop()
        reader.stop()
    }
}
