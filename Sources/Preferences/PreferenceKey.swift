/// What a field of the preferences holds.
public enum PreferenceKind: Hashable, Sendable {
    /// `quiet`, `standard` or `maximum`.
    case preset
    case flag
    case choice([String])
    case percent(ClosedRange<Int>)
    /// A number of cores, or a percentage of those that the machine has.
    case cores
    /// Seconds, or a number with a unit of time; `word` stands for no limit.
    case duration(ClosedRange<Double>, word: String? = nil)
    /// Bytes, or a number with a unit of size; `word` stands for no limit.
    case size(ClosedRange<Int64>, word: String? = nil)
    /// The same for a second; no limit: `unlimited`.
    case rate(ClosedRange<Int64>)
    /// Degrees Celsius.
    case degrees(ClosedRange<Double>)
    /// Names of programs.
    case names
    /// `always`, or windows of a week.
    case windows
    /// `none`, or the absolute path of a file.
    case path
    /// `none`, or an absolute path with arguments.
    case command
    /// A section: projects by their address, each with a number.
    case shares
}

/// One field of `preferences.yaml`.
public struct PreferenceKey: Hashable, Sendable {
    /// For example `in_use.cores`; without a dot at the top.
    public var path: String
    public var kind: PreferenceKind
    /// What each preset says, as it would be written in the file.
    private let quiet: String
    private let standard: String
    private let maximum: String
    public var description: String

    init(
        _ path: String, _ kind: PreferenceKind, _ quiet: String, _ standard: String, _ maximum: String,
        _ description: String
    ) {
        self.path = path
        self.kind = kind
        self.quiet = quiet
        self.standard = standard
        self.maximum = maximum
        self.description = description
    }

    /// The field's value in a preset, as it would be written in the file.
    public func text(in preset: Preset) -> String {
        switch preset {
        case .quiet: quiet
        case .standard: standard
        case .maximum: maximum
        }
    }

    /// `in_use` of `in_use.cores`; empty at the top.
    var section: String {
        guard let dot = path.firstIndex(of: ".") else { return "" }
        return String(path[..<dot])
    }

    /// `cores` of `in_use.cores`.
    var leaf: String {
        guard let dot = path.firstIndex(of: ".") else { return path }
        return String(path[path.index(after: dot)...])
    }
}

/// A set of values for all fields, from which a file departs.
public enum Preset: String, Hashable, Sendable, CaseIterable {
    /// Hardly noticed: half the cores, long waits, small transfers.
    case quiet
    /// Everything while nobody uses the computer, nothing while somebody does.
    case standard
    /// Computes beside its user, too, at the lowest priority.
    case maximum
}
