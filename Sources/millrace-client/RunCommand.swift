import ArgumentParser
import ClientCore
import ClientSystem
import Domain
import Glibc
import Preferences
import WorkerHost

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Computes while this computer is idle, until it is stopped.",
        discussion: """
            Example: millrace-client run --cores 2
            On SIGTERM, SIGUSR1 or Ctrl-C every task writes a checkpoint; the next run goes on from there.
            In a batch system: millrace-client run --always --once --walltime 2h
            """
    )

    @Flag(help: "Compute whether or not somebody uses the computer: for servers.")
    var always = false

    @Option(help: "quiet, standard or maximum. This and the next options take the place of the file of preferences.")
    var preset: String?

    @Option(help: "Tasks at once.")
    var cores: Int?

    @Option(help: "Minutes without keyboard and pointer before the computer counts as unused.")
    var idleMinutes: Double?

    @Option(help: "Pause when other programs use more than this percentage of all cores.")
    var otherLoadPercent: Double?

    @Option(help: "Seconds of work to hold per core.")
    var bufferSeconds: Double?

    @Option(help: "Seconds between checkpoints.")
    var checkpointSeconds: Double?

    @Option(help: "Leave a project alone that gave no work for so many seconds; exit 0 when all are.")
    var exitWhenIdle: Double?

    @Flag(help: "Do not end while there is no project: take up the first one when it is attached.")
    var wait = false

    @Flag(help: "Start paused: nothing is computed, and no work asked for, until `millrace-client resume`.")
    var paused = false

    @OptionGroup var file: PreferencesOption

    @Flag(help: "Compute without a sandbox, where this computer has none. Programs of scientists never run so.")
    var noSandbox = false

    @OptionGroup var batch: BatchOptions

    @OptionGroup var data: DataOption

    func validate() throws {
        if let exitWhenIdle, !(0...31_536_000).contains(exitWhenIdle) {
            throw ValidationError("--exit-when-idle is 0 to 31536000")
        }
    }

    func run() throws {
        try reporting { () throws(Fault) in
            let stopper = Stopper()
            // Before any other thread exists, so that all of them leave the signals to this one.
            StopSignals.watch { stopper.stop() }
            let directory = try DataDirectory(path: data.path) { log($0) }
            let preferences = try PreferencesFile(folder: directory.path, path: file.path, options: options)
            let loop = try ClientLoop(
                directory: directory, waits: wait, preferences: preferences, sandbox: WorkerSandbox(isOn: !noSandbox),
                say: { log($0) }
            ) { settings in
                settings.idle.always = always
                settings.exitWhenIdleSeconds = exitWhenIdle
                settings.startsPaused = paused
                batch.apply(to: &settings)
            }
            stopper.set(loop.stopper)
            log("running in \(directory.path)")
            try loop.run()
            log("stopped; what was begun goes on at the next run")
        }
    }

    /// What the options say of preferences.
    private var options: [PreferenceOption] {
        let given: [(path: String, text: String?, option: String)] = [
            ("preset", preset, "--preset"),
            ("in_use.cores", cores.map { "\($0)" }, "--cores"), ("not_in_use.cores", cores.map { "\($0)" }, "--cores"),
            ("in_use.idle_after", idleMinutes.map { "\($0) min" }, "--idle-minutes"),
            ("pause.other_load", otherLoadPercent.map { "\($0)" }, "--other-load-percent"),
            ("work.buffer", bufferSeconds.map { "\($0) s" }, "--buffer-seconds"),
            ("work.checkpoint", checkpointSeconds.map { "\($0) s" }, "--checkpoint-seconds"),
        ]
        return given.compactMap { path, text, option in
            text.map { PreferenceOption(path: path, text: $0, option: option) }
        }
    }

    private func log(_ line: String) {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        let two = { (value: Int32) in value < 10 ? "0\(value)" : "\(value)" }
        complain("\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) \(line)")
    }
}
