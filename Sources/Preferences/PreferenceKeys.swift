/// Every field of `preferences.yaml`, once: the parser, the presets, the suggestions, `docs/preferences.md` and the
/// example in `client/` all come from this table.
public enum PreferenceKeys {
    public static let all: [PreferenceKey] =
        top + use + pause + disk + network + windows + permission + work + programs + shares

    static func key(_ path: String) -> PreferenceKey? { all.first { $0.path == path } }
    static func children(of section: String) -> [PreferenceKey] { all.filter { $0.section == section } }

    /// The sections, in order, with what they are about.
    static let sections: [(name: String, description: String)] = [
        ("in_use", "While somebody uses the computer."),
        ("not_in_use", "While nobody does."),
        ("pause", "When nothing is computed, whether or not somebody is there."),
        ("disk", "Space for work units, inputs and results."),
        ("network", "What is sent and fetched."),
        ("windows", "Times of the week, by the computer's own clock."),
        ("permission", "Whether electricity is cheap or clean enough now, as a file or a program of yours says."),
        ("work", "How much is fetched, and how it is kept."),
    ]

    private static let mebibyte: Int64 = 1 << 20
    private static let pebibyte: Int64 = 1 << 50
    private static let dayInSeconds = 86_400.0
    private static let rates: ClosedRange<Int64> = (16 << 10)...10_000_000_000

    private static let top: [PreferenceKey] = [
        PreferenceKey(
            "preset", .preset, "quiet", "standard", "maximum",
            "The values of all fields that the file does not name; `standard` unless it is named.")
    ]

    private static let use: [PreferenceKey] = [
        PreferenceKey(
            "in_use.idle_after", .duration(0...dayInSeconds), "10 min", "3 min", "1 min",
            "The computer counts as in use until keyboard, pointer and terminals were left alone for so long."),
        PreferenceKey("in_use.compute", .flag, "no", "no", "yes", "Whether to compute while it is in use."),
        PreferenceKey("in_use.cores", .cores, "25 %", "50 %", "75 %", "Tasks that run at once then."),
        PreferenceKey(
            "in_use.cpu", .percent(1...100), "50 %", "100 %", "100 %",
            "Share of its core's time that each task gets then."),
        PreferenceKey(
            "in_use.memory", .percent(1...100), "25 %", "25 %", "50 %",
            "Share of the machine's memory that running tasks may declare then; one may always run."),
        PreferenceKey("not_in_use.compute", .flag, "yes", "yes", "yes", "Whether to compute while nobody uses it."),
        PreferenceKey("not_in_use.cores", .cores, "50 %", "100 %", "100 %", "Tasks that run at once then."),
        PreferenceKey(
            "not_in_use.cpu", .percent(1...100), "100 %", "100 %", "100 %",
            "Share of its core's time that each task gets then."),
        PreferenceKey(
            "not_in_use.memory", .percent(1...100), "50 %", "75 %", "90 %",
            "Share of the machine's memory that running tasks may declare then; one may always run."),
    ]

    private static let pause: [PreferenceKey] = [
        PreferenceKey(
            "pause.other_load", .percent(0...100), "10 %", "25 %", "75 %",
            "Pause when other programs use more than this share of all cores for 2 seconds, until 60 quiet seconds."),
        PreferenceKey(
            "pause.exclusive_programs", .names, "[]", "[]", "[]",
            "Pause while one of these programs runs, by the name of its file."),
        PreferenceKey(
            "pause.full_screen", .flag, "yes", "yes", "no", "Pause while a window fills the screen: a film, a talk."),
        PreferenceKey("pause.on_battery", .flag, "yes", "yes", "no", "Pause while the computer runs on its battery."),
        PreferenceKey(
            "pause.charge_below", .percent(0...100), "80 %", "80 %", "50 %",
            "On battery, if `on_battery` is `no`: pause below this charge, and when the charge is not known; go on at "
                + "5 % more."),
        PreferenceKey(
            "pause.temperature", .degrees(30...120), "75 °C", "90 °C", "100 °C",
            "Pause when the hottest sensor shows more."),
        PreferenceKey(
            "pause.temperature_margin", .degrees(0...50), "5 °C", "5 °C", "5 °C",
            "Go on when it is cooler than that by so much."),
        PreferenceKey(
            "pause.memory_pressure", .percent(1...100), "5 %", "20 %", "50 %",
            "Pause, and leave the memory, when programs waited for memory for more than this share of 10 seconds; go "
                + "on at half of it."),
        PreferenceKey(
            "pause.disk_pressure", .percent(1...100), "20 %", "60 %", "90 %",
            "Pause when programs waited for a disk for more than this share of 10 seconds; go on at half of it."),
    ]

    private static let disk: [PreferenceKey] = [
        PreferenceKey(
            "disk.most", .size(100 * mebibyte...pebibyte, word: "unlimited"), "10 GiB", "100 GiB", "unlimited",
            "Work is fetched only while the client's folder stays below."),
        PreferenceKey(
            "disk.keep_free", .size(0...pebibyte), "5 GiB", "1 GiB", "256 MiB",
            "Work is fetched only while so much of the disk stays free."),
    ]

    private static let network: [PreferenceKey] = [
        PreferenceKey(
            "network.download", .rate(rates), "1 MB/s", "unlimited", "unlimited",
            "Fastest fetching, of all transfers together."),
        PreferenceKey(
            "network.upload", .rate(rates), "250 kB/s", "unlimited", "unlimited",
            "Fastest sending, of all transfers together."),
        PreferenceKey(
            "network.per_day", .size(1_000_000...pebibyte, word: "unlimited"), "2 GB", "unlimited", "unlimited",
            "Most that is sent and fetched from midnight to midnight."),
        PreferenceKey(
            "network.on_metered", .choice(["pause", "allow"]), "pause", "pause", "pause",
            "Whether to use a network that costs by the byte."),
    ]

    private static let windows: [PreferenceKey] = [
        PreferenceKey(
            "windows.compute", .windows, "always", "always", "always",
            "When to compute, for example `weekdays 22:00-06:00`, or a list of such windows."),
        PreferenceKey(
            "windows.network", .windows, "always", "always", "always", "When to send and fetch."),
    ]

    private static let permission: [PreferenceKey] = [
        PreferenceKey(
            "permission.file", .path, "none", "none", "none", "File that says whether to compute; or `command`."),
        PreferenceKey(
            "permission.command", .command, "none", "none", "none", "Program that says whether to compute; or `file`."),
        PreferenceKey(
            "permission.time_limit", .duration(0.1...60), "5 s", "5 s", "5 s", "Time after which the program is ended."
        ),
        PreferenceKey(
            "permission.keep", .duration(1...dayInSeconds), "5 min", "5 min", "5 min",
            "Time for which an answer holds, until the next question."),
    ]

    private static let work: [PreferenceKey] = [
        PreferenceKey(
            "work.buffer", .duration(0...1_209_600), "1 min", "1 min", "1 min",
            "Work to hold for each core, so that none stands still when the server is away."),
        PreferenceKey(
            "work.checkpoint", .duration(1...dayInSeconds), "1 min", "1 min", "1 min",
            "Time between two checkpoints of a task: what a crash can cost."),
        PreferenceKey(
            "work.keep_in_memory", .duration(0...dayInSeconds, word: "always"), "1 min", "10 min", "always",
            "Time after which a paused task writes a checkpoint and leaves the memory."),
    ]

    private static let programs: [PreferenceKey] = [
        PreferenceKey(
            "programs", .flag, "yes", "yes", "yes",
            "Whether programs that scientists wrote are started, in the sandbox; else only what is part of Millrace."
        )
    ]

    private static let shares: [PreferenceKey] = [
        PreferenceKey(
            "shares", .shares, "{}", "{}", "{}",
            "Projects by their address, each with its share of the computer; 100 for those that are not named.")
    ]
}
