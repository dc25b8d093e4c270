import ArgumentParser
import ClientSystem
import Domain
import Glibc

struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Shows what this computer did for science: results, CPU time and credit, by day.",
        discussion: "Example: millrace-client history --json"
    )

    @Flag(help: "For programs: every day of the last ten years in which something was done.")
    var json = false

    @OptionGroup var data: DataOption

    func run() throws {
        try reporting { () throws(Fault) in
            let folder = try data.path
            try DataDirectory.mustExist(folder, "no client has run in \(folder) yet")
            let report = HistoryReport(folder: folder)
            if json { return try printJSON(report) }
            for line in report.lines(isUnicode: TerminalLook.ofEnvironment.isUnicode) { show(line) }
        }
    }
}
