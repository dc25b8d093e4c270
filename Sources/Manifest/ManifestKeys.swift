import Domain

/// What a key of the manifest holds.
public enum ValueKind: Hashable, Sendable {
    /// Keys below it.
    case section
    /// A list whose elements are sections.
    case list
    /// The app's own parameters.
    case parameters
    /// Lower-case letters, digits and hyphens.
    case name(bytesMax: Int)
    /// Text without line breaks.
    case line(bytesMax: Int)
    /// Text with line breaks.
    case text(bytesMax: Int)
    /// An SPDX identifier.
    case licence
    /// A name that stands elsewhere, too.
    case word(WordKind)
    /// The name of an app.
    case app
    /// A relative path inside the project's folder.
    case path
    case packing
    /// One of these words.
    case choice([String])
    case flag
    case integer(ClosedRange<Int64>)
    case real(ClosedRange<Double>, aboveLower: Bool = false)
    /// One number, or a list of them.
    case reals(ClosedRange<Double>)
    /// A line of text, or a list of them.
    case lines(bytesMax: Int)
    /// Seconds, or a number with a unit of time.
    case duration(ClosedRange<Double>)
    /// Bytes, or a number with a unit of size.
    case size(ClosedRange<Int64>)
}

/// What holds when a key is left out.
public enum Presence: Hashable, Sendable {
    case required
    /// The default, as it would be written in the manifest.
    case standard(String)
    /// There is no fixed default; the text says what holds instead.
    case otherwise(String)
}

/// One key of the manifest.
public struct ManifestKey: Hashable, Sendable {
    /// For example `replication.quorum`; `inputs[].name` for a key of each element of a list.
    public var path: String
    public var kind: ValueKind
    public var presence: Presence
    public var description: String

    init(_ path: String, _ kind: ValueKind, _ presence: Presence, _ description: String) {
        self.path = path
        self.kind = kind
        self.presence = presence
        self.description = description
    }

    /// `replication` of `replication.quorum`, `inputs[]` of `inputs[].name`; empty at the top.
    var section: String {
        guard let dot = path.lastIndex(of: ".") else { return "" }
        return String(path[..<dot])
    }

    /// `quorum` of `replication.quorum`.
    var leaf: String {
        guard let dot = path.lastIndex(of: ".") else { return path }
        return String(path[path.index(after: dot)...])
    }
}

/// Every key of `project.yaml`, once: the parser, `docs/manifest.md`, the suggestions and the text that
/// `millrace init` writes all come from this table.
public enum ManifestKeys {
    public static let all: [ManifestKey] =
        project + ProgramKeys.all + inputs + split + replication + resources + validation
        + ComparisonKeys.all + ComparingProgram.keys + credit

    static func children(of section: String) -> [ManifestKey] { all.filter { $0.section == section } }

    private static let mebibyte: Int64 = 1 << 20
    private static let tebibyte: Int64 = 1 << 40

    private static let project: [ManifestKey] = [
        ManifestKey(
            "name", .name(bytesMax: Limits.projectNameBytesMax), .required,
            "The project's name in addresses and folders."),
        ManifestKey("title", .line(bytesMax: 200), .required, "One line that volunteers read first."),
        ManifestKey(
            "description", .text(bytesMax: 8192), .required,
            "What is computed and what for, in a paragraph or two for volunteers."),
        ManifestKey(
            "science_area", .line(bytesMax: 64), .required, "The field of science, for example `astrophysics`."),
        ManifestKey(
            "licence", .licence, .required,
            "SPDX identifier of the licence under which the answer is published, for example `CC-BY-4.0`."),
        ManifestKey("app", .app, .required, "The kind of computation; `millrace apps` lists them."),
        ManifestKey(
            "parameters", .parameters, .otherwise("the app's own defaults"),
            "The app's parameters; `millrace apps NAME` lists them with unit, default and range."),
    ]

    private static let inputs: [ManifestKey] = [
        ManifestKey(
            "inputs", .list, .otherwise("no input files"),
            "The files that every work unit needs; sent once to each host."),
        ManifestKey(
            "inputs[].name", .line(bytesMax: Limits.inputNameBytesMax), .required,
            "The name under which the app asks for it."),
        ManifestKey("inputs[].file", .path, .required, "Where it lies, relative to the manifest's folder."),
        ManifestKey(
            "inputs[].packing", .packing, .otherwise("what the app expects"),
            "`plain`: any bytes; `table`: a CSV file of numbers with a header line, sent as columns of doubles; "
                + "`raw`: any bytes, as they are."),
    ]

    private static let split: [ManifestKey] = [
        ManifestKey("split", .section, .required, "How finely the work is cut."),
        ManifestKey(
            "split.steps_per_unit", .integer(1...1_000_000_000), .required,
            "Steps of the app's grid in one work unit; the app says what a step is."),
    ]

    private static let replication: [ManifestKey] = [
        ManifestKey(
            "replication", .section, .otherwise("the defaults of its keys"),
            "How often a work unit is computed, and when it is given up."),
        ManifestKey(
            "replication.quorum", .integer(1...Int64(Limits.quorumMax)), .standard("2"),
            "Agreeing results of different volunteers that decide a work unit; for the rules `check` and `adaptive`, "
                + "those that decide where a single one is not enough."),
        ManifestKey(
            "replication.initial", .integer(1...Int64(Limits.replicasMax)),
            .otherwise("the value of `quorum`; 1 for the rules `check` and `adaptive`"),
            "Tasks made at first; at least `quorum`, but for those two rules."),
        ManifestKey(
            "replication.max_total", .integer(1...Int64(Limits.replicasMax)), .otherwise("8, or `initial` if larger"),
            "Tasks ever made for one work unit; at least `initial`."),
        ManifestKey(
            "replication.max_errors", .integer(1...32), .standard("4"),
            "Failed tasks (errors, malformed results) that end a work unit as failed."),
        ManifestKey(
            "replication.deadline", .duration(Limits.deadlineSecondsMin...Limits.deadlineSecondsMax),
            .standard("3 days"), "Time from sending a task to its report."),
        ManifestKey(
            "replication.distinct_networks", .flag, .standard("false"),
            "Never two tasks of a work unit to hosts whose addresses begin alike (IPv4 /24, IPv6 /48)."),
        ManifestKey(
            "replication.distinct_teams", .flag, .standard("false"),
            "Never two tasks of a work unit to one team."),
        ManifestKey(
            "replication.same_hardware", .flag, .standard("false"),
            "All tasks of a work unit to hosts of one platform and processor family, for results that differ between "
                + "those."),
    ]

    private static let resources: [ManifestKey] = [
        ManifestKey(
            "resources", .section, .otherwise("the defaults of its keys"),
            "What a task may use. Estimates steer the scheduler, bounds are enforced on the volunteer's machine."),
        ManifestKey(
            "resources.flops_per_step", .real(0...Limits.flopsMax, aboveLower: true), .otherwise("the app's own count"),
            "Floating-point operations of one step: the base of run-time estimates and of credit."),
        ManifestKey(
            "resources.flops_bound_factor", .real(1...1000), .standard("20"),
            "A task is stopped after this many times its estimated run time on that host."),
        ManifestKey(
            "resources.memory", .size(mebibyte...tebibyte), .standard("512 MiB"), "Largest memory of one task."),
        ManifestKey(
            "resources.disk", .size(mebibyte...tebibyte), .standard("256 MiB"),
            "Largest disk space of one task, its result and checkpoint included."),
        ManifestKey(
            "resources.output", .size(1...Int64(Limits.resultBytesMax)), .standard("1 MiB"),
            "Largest result of one task; at most `disk`."),
    ]

    private static let validation: [ManifestKey] = [
        ManifestKey(
            "validation", .section, .otherwise("the defaults of its keys"), "How results are judged."),
        ManifestKey(
            "validation.check_each", .flag, .standard("true"),
            "Recompute the claims of each single result before it is compared."),
        ManifestKey(
            "validation.rule", .choice(AcceptanceWords.all), .standard(AcceptanceWords.quorum),
            "When a result is believed: `quorum`: when as many agree; `check`: when the app's check proves it; "
                + "`adaptive`: when its host has proved itself and its later results pass their checks."),
        ManifestKey(
            "validation.check_rate", .real(0...1, aboveLower: true), .standard("0.1"),
            "For `adaptive`: the share of a proven host's results that somebody else computes again, drawn in secret."),
        ManifestKey(
            "validation.window", .integer(1...Int64(Limits.windowMax)), .standard("200"),
            "For `adaptive`: results of the same host that must pass before one is final; a failed one voids them."),
        ManifestKey(
            "validation.relative_tolerance", .real(0...1), .otherwise("the app's own"),
            "Largest relative difference between two results that agree; not for apps that compare exactly."),
        ManifestKey(
            "validation.absolute_tolerance", .real(0...1e300), .otherwise("the app's own"),
            "Largest absolute difference between two results that agree; not for apps that compare exactly."),
    ]

    private static let credit: [ManifestKey] = [
        ManifestKey("credit", .section, .otherwise("the defaults of its keys"), "What a valid task earns."),
        ManifestKey(
            "credit.factor", .real(0...10), .standard("1"),
            "Multiplies the credit that follows from the work unit's FLOP count."),
    ]
}
