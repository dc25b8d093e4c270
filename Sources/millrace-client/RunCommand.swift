import ArgumentParser
import ClientCore
import ClientSystem
import Domain
import Glibc

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

    @Option(help: "Tasks at once; default: all cores.")
    var cores: Int?

    @Option(help: "Minutes without keyboard and pointer before computing begins.")
    var idleMinutes: Double = 3

    @Option(help: "Pause when other programs use more than this percentage of all cores.")
    var otherLoadPercent: Double = 25

    @Option(help: "Seconds of work to hold per core.")
    var bufferSeconds: Double = 60

    @Option(help: "Seconds between checkpoints.")
    var checkpointSeconds: Double = 60

    @Option(help: "Exit 0 when nothing is held and no work was given for so many seconds.")
    var exitWhenIdle: Double?

    @OptionGroup var batch: BatchOptions

    @OptionGroup var data: DataOption

    func validate() throws {
        if let cores, !(1...1024).contains(cores) { throw ValidationError("--cores is 1 to 1024") }
        guard (0...1440).contains(idleMinutes) else { throw ValidationError("--idle-minutes is 0 to 1440") }
        guard (0...100).contains(otherLoadPercent) else { throw ValidationError("--other-load-percent is 0 to 100") }
        guard (0...604_800).contains(bufferSeconds) else { throw ValidationError("--buffer-seconds is 0 to 604800") }
        guard (1...86_400).contains(checkpointSeconds) else {
            throw ValidationError("--checkpoint-seconds is 1 to 86400")
        }
        if let exitWhenIdle, !(0...31_536_000).contains(exitWhenIdle) {
            throw ValidationError("--exit-when-idle is 0 to 31536000")
        }
    }

    func run() throws {
        try reporting { () throws(Fault) in
            let stopper = Stopper()
            // Before any other thread exists, so that all of them leave the signals to this one.
            StopSignals.watch { stopper.stop() }
            let directory = try DataDirectory(path: data.path)
            let loop = try ClientLoop(directory: directory, say: { log($0) }) { settings in
                if let cores { settings.cores = cores }
                settings.idle.always = always
                settings.idle.userQuietSeconds = idleMinutes * 60
                settings.idle.otherLoadMax = otherLoadPercent / 100
                settings.bufferSeconds = bufferSeconds
                settings.checkpointSeconds = checkpointSeconds
                settings.exitWhenIdleSeconds = exitWhenIdle
                batch.apply(to: &settings)
            }
            stopper.set(loop.stopper)
            log("running in \(directory.path)")
            try loop.run()
            log("stopped; what was begun goes on at the next run")
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
