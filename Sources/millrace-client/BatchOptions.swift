import ArgumentParser
import ClientCore
import Domain

/// For jobs of batch systems, which fill what others leave free for a limited time.
struct BatchOptions: ParsableArguments {
    @Flag(
        help: """
            Compute one task for each core, then end with 0; without work end at once, and when no server answers for \
            ten minutes, with 69.
            """)
    var once = false

    @Option(
        help: ArgumentHelp(
            "End after this time, and take only tasks that fit into it: 2h, 90m, 5400 (seconds), [D-]HH:MM:SS.",
            valueName: "time"))
    var walltime: String?

    @Flag(
        help: """
            At the end of the walltime, or when told to stop, give unfinished tasks back to the project instead of \
            keeping them: for folders that go with the job.
            """)
    var giveBack = false

    func validate() throws {
        do throws(Fault) { _ = try walltime.map { text throws(Fault) in try Walltime.seconds(text) } } catch {
            throw ValidationError("--walltime: \(error)")
        }
    }

    func apply(to settings: inout ClientSettings) {
        settings.once = once
        settings.atWalltime = giveBack ? .giveBack : .keep
        guard let text = walltime, let seconds = (try? Walltime.seconds(text)) ?? nil else { return }
        settings.walltimeSeconds = seconds
        // A short job keeps most of its time for computing.
        settings.closingSeconds = min(settings.closingSeconds, seconds / 10)
    }
}
