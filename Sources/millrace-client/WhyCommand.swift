import ArgumentParser
import ClientSystem
import Domain
import Glibc

struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Why nothing is computed, fetched or started now, and what would have to change.",
        discussion: "Example: millrace-client why"
    )

    @Flag(help: "For programs.")
    var json = false

    @OptionGroup var data: DataOption

    func run() throws {
        try reporting { () throws(Fault) in
            let report = WhyReport(try DataDirectory.status(in: data.path))
            if json {
                try printJSON(report)
            } else {
                for line in report.lines(nowMs: Int64(time(nil)) * 1000) { show(line) }
            }
        }
    }
}
