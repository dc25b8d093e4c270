/// How many tasks run at once.
public enum CoreLimit: Hashable, Sendable {
    case count(Int)
    case percent(Int)

    /// - Parameter machineCores: what a percentage is of; rounded down, but never to none.
    public func count(of machineCores: Int) -> Int {
        switch self {
        case .count(let count): count
        case .percent(let percent): max(1, max(1, machineCores) * percent / 100)
        }
    }
}

/// A project's share of the computer.
public struct ProjectShare: Hashable, Sendable {
    /// `http` or `https`, without a final slash.
    public var url: String
    /// Against those of the others; 0: computed only while no other project has work.
    public var share: Double

    public init(url: String, share: Double) {
        self.url = url
        self.share = share
    }

    /// Of a project that no preference names.
    public static let standard = 100.0

    /// An address as it is compared: without final slashes.
    public static func normalised(_ url: String) -> String {
        var url = Substring(url)
        while url.last == "/" { url.removeLast() }
        return String(url)
    }
}

/// A checked value of a field.
public enum PreferenceValue: Hashable, Sendable {
    case preset(Preset)
    case flag(Bool)
    case word(String)
    case percent(Int)
    case cores(CoreLimit)
    /// nil: no limit.
    case seconds(Double?)
    /// nil: no limit.
    case bytes(Int64?)
    case degrees(Double)
    case names([String])
    case windows(WeeklyWindows)
    case path(String?)
    /// Program and arguments; empty: none.
    case command([String])
    case shares([ProjectShare])
}

extension PreferenceKind {
    /// A value as it would be written in the file: reads back as the same value.
    public func text(of value: PreferenceValue) -> String {
        switch value {
        case .preset(let preset): preset.rawValue
        case .flag(let flag): flag ? "yes" : "no"
        case .word(let word): word
        case .percent(let percent): "\(percent) %"
        case .cores(.count(let count)): "\(count)"
        case .cores(.percent(let percent)): "\(percent) %"
        case .seconds(let seconds): seconds.map(Self.time) ?? noLimit
        case .bytes(let bytes):
            bytes.map { Self.size($0) + (isRate ? "/s" : "") } ?? noLimit
        case .degrees(let degrees): "\(Self.short(degrees)) °C"
        case .names(let names): Self.list(names)
        case .windows(let windows):
            switch windows.windows.count {
            case 0: "always"
            case 1: Self.quoted(windows.windows[0].text)
            default: Self.list(windows.windows.map(\.text))
            }
        case .path(let path): path.map(Self.quoted) ?? "none"
        case .command(let words): words.isEmpty ? "none" : Self.list(words)
        case .shares(let shares):
            "{" + shares.map { "\(Self.quoted($0.url)): \(Self.short($0.share))" }.joined(separator: ", ") + "}"
        }
    }

    private var isRate: Bool { if case .rate = self { true } else { false } }

    /// The word that stands for no limit.
    var noLimit: String {
        switch self {
        case .duration(_, let word), .size(_, let word): word ?? ""
        case .rate: "unlimited"
        default: ""
        }
    }

    static func time(_ seconds: Double) -> String {
        for (word, factor) in [("days", 86_400.0), ("h", 3600), ("min", 60)] where seconds >= factor {
            let count = seconds / factor
            if count == count.rounded() { return "\(short(count)) \(word)" }
        }
        return "\(short(seconds)) s"
    }

    static func size(_ bytes: Int64) -> String {
        let units: [(String, Int64)] = [
            ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("TB", 1_000_000_000_000), ("GB", 1_000_000_000),
            ("MB", 1_000_000), ("KiB", 1 << 10), ("kB", 1000),
        ]
        guard let unit = units.first(where: { bytes >= $0.1 && bytes % $0.1 == 0 }) else { return "\(bytes) B" }
        return "\(bytes / unit.1) \(unit.0)"
    }

    /// Whole numbers without `.0`.
    static func short(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    private static func list(_ texts: [String]) -> String {
        "[" + texts.map(quoted).joined(separator: ", ") + "]"
    }

    /// Plain where YAML takes it as it is, also inside brackets; else in double quotes.
    private static func quoted(_ text: String) -> String {
        let plain = text.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0) || (0x30...0x39).contains($0)
                || [0x2D, 0x2E, 0x2F, 0x5F].contains($0)
        }
        let isWord = ["", "~", "null", "Null", "NULL", "none", "always", "-"].contains(text) || text.hasPrefix("-")
        if plain, !isWord { return text }
        let escaped = text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined()
        return "\"\(escaped)\""
    }
}
