import Domain
import YAMLText

/// Where a value came from.
public enum PreferenceOrigin: Hashable, Sendable {
    case preset(Preset)
    /// From 1.
    case file(line: Int)
    /// For example `--cores`.
    case option(String)
}

/// What a file says, checked; nothing of the presets is in it.
public struct WrittenPreferences: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        var value: PreferenceValue
        var line: Int
    }

    /// By path.
    var entries: [String: Entry] = [:]

    var preset: Preset {
        if case .preset(let preset)? = entries["preset"]?.value { return preset }
        return .standard
    }
}

/// What the command line says, in place of the file.
public struct PreferenceOption: Hashable, Sendable {
    public var path: String
    /// As it would be written in the file.
    public var text: String
    /// For example `--cores`.
    public var option: String

    public init(path: String, text: String, option: String) {
        self.path = path
        self.text = text
        self.option = option
    }
}

/// Every field's value with its origin: the command line before the file, the file before the preset.
public struct EffectivePreferences: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public var key: PreferenceKey
        public var value: PreferenceValue
        public var origin: PreferenceOrigin

        /// The value as it would be written in the file.
        public var text: String { key.kind.text(of: value) }
    }

    /// In the order of the table.
    public let entries: [Entry]
    public let preferences: Preferences

    /// - Parameter written: nil: there is no file.
    public init(written: WrittenPreferences?) {
        self.init(written ?? WrittenPreferences(), [:])
    }

    /// - Throws: `.usage` for an option whose text is no value of its field.
    public init(written: WrittenPreferences?, options: [PreferenceOption]) throws(Fault) {
        var given: [String: (value: PreferenceValue, option: String)] = [:]
        for option in options {
            guard let key = PreferenceKeys.key(option.path) else {
                throw Fault(.usage, "\(option.option): there is no preference \(option.path)")
            }
            let node = YAMLNode(place: .start, value: .scalar(option.text, quoted: false))
            do throws(ValueFault) {
                given[option.path] = (try PreferenceReader().read(node, as: key.kind), option.option)
            } catch {
                throw Fault(
                    .usage, "\(option.option): \(error.message)", advice: error.expected.map { "Expected: \($0)." })
            }
        }
        self.init(written ?? WrittenPreferences(), given)
    }

    private init(_ written: WrittenPreferences, _ options: [String: (value: PreferenceValue, option: String)]) {
        var preset = written.preset
        if case .preset(let named)? = options["preset"]?.value { preset = named }
        entries = PreferenceKeys.all.map { key in
            if let option = options[key.path] {
                return Entry(key: key, value: option.value, origin: .option(option.option))
            }
            if let entry = written.entries[key.path] {
                return Entry(key: key, value: entry.value, origin: .file(line: entry.line))
            }
            return Entry(key: key, value: Self.value(of: key, in: preset), origin: .preset(preset))
        }
        preferences = PreferencesBuilder(entries: entries).preferences
    }

    private static func value(of key: PreferenceKey, in preset: Preset) -> PreferenceValue {
        let text = key.text(in: preset)
        let value: YAMLValue =
            switch text {
            case "[]": .sequence([])
            case "{}": .mapping([])
            default: .scalar(text, quoted: false)
            }
        do throws(ValueFault) {
            return try PreferenceReader().read(YAMLNode(place: .start, value: value), as: key.kind)
        } catch {
            preconditionFailure("the preset \(preset) has no value of \(key.path): \(error.message)")
        }
    }
}

/// Puts the values of the table into their places.
private struct PreferencesBuilder {
    let entries: [EffectivePreferences.Entry]

    private func value(_ path: String) -> PreferenceValue {
        guard let entry = entries.first(where: { $0.key.path == path }) else {
            preconditionFailure("the table has no field \(path)")
        }
        return entry.value
    }

    private func wrong(_ path: String) -> Never { preconditionFailure("the field \(path) is of another kind") }

    private func flag(_ path: String) -> Bool {
        if case .flag(let value) = value(path) { value } else { wrong(path) }
    }
    private func percent(_ path: String) -> Int {
        if case .percent(let value) = value(path) { value } else { wrong(path) }
    }
    private func cores(_ path: String) -> CoreLimit {
        if case .cores(let value) = value(path) { value } else { wrong(path) }
    }
    private func seconds(_ path: String) -> Double? {
        if case .seconds(let value) = value(path) { value } else { wrong(path) }
    }
    private func bytes(_ path: String) -> Int64? {
        if case .bytes(let value) = value(path) { value } else { wrong(path) }
    }
    private func degrees(_ path: String) -> Double {
        if case .degrees(let value) = value(path) { value } else { wrong(path) }
    }
    private func windows(_ path: String) -> WeeklyWindows {
        if case .windows(let value) = value(path) { value } else { wrong(path) }
    }

    var preferences: Preferences {
        guard case .names(let programs) = value("pause.exclusive_programs"),
            case .word(let metered) = value("network.on_metered"), case .shares(let shares) = value("shares")
        else { wrong("shares") }
        return Preferences(
            idleSeconds: seconds("in_use.idle_after") ?? 0, inUse: limits("in_use"), notInUse: limits("not_in_use"),
            pauses: Preferences.Pauses(
                otherLoad: Double(percent("pause.other_load")) / 100, exclusivePrograms: programs,
                inFullScreen: flag("pause.full_screen"), onBattery: flag("pause.on_battery"),
                chargeFloorPercent: percent("pause.charge_below"), temperature: degrees("pause.temperature"),
                temperatureMargin: degrees("pause.temperature_margin"),
                memoryPressure: percent("pause.memory_pressure"), diskPressure: percent("pause.disk_pressure")),
            disk: Preferences.DiskLimits(bytesMax: bytes("disk.most"), freeBytesMin: bytes("disk.keep_free") ?? 0),
            network: Preferences.NetworkLimits(
                downBytesPerSecond: bytes("network.download"), upBytesPerSecond: bytes("network.upload"),
                bytesPerDay: bytes("network.per_day"), allowsMetered: metered == "allow"),
            computeWindows: windows("windows.compute"), networkWindows: windows("windows.network"),
            permission: permission, bufferSeconds: seconds("work.buffer") ?? 0,
            checkpointSeconds: seconds("work.checkpoint") ?? 0, keepInMemorySeconds: seconds("work.keep_in_memory"),
            allowsPrograms: flag("programs"), shares: shares)
    }

    private func limits(_ section: String) -> Preferences.UseLimits {
        Preferences.UseLimits(
            compute: flag("\(section).compute"), cores: cores("\(section).cores"),
            cpuPercent: percent("\(section).cpu"), memoryPercent: percent("\(section).memory"))
    }

    private var permission: Preferences.Permission? {
        guard case .path(let file) = value("permission.file"), case .command(let command) = value("permission.command")
        else { wrong("permission") }
        let source: Preferences.Permission.Source
        if let file {
            source = .file(file)
        } else if !command.isEmpty {
            source = .command(command)
        } else {
            return nil
        }
        return Preferences.Permission(
            source: source, timeLimitSeconds: seconds("permission.time_limit") ?? 0,
            keepSeconds: seconds("permission.keep") ?? 0)
    }
}
