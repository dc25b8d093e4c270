import ArgumentParser
import ClientCore
import ClientSystem
import Domain
import Glibc

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows what the client does, and why it pauses.",
        discussion: "Example: millrace-client status --json"
    )

    @Flag(help: "For programs.")
    var json = false

    @OptionGroup var data: DataOption

    func run() throws {
        try reporting { () throws(Fault) in
            let status = try DataDirectory.status(in: data.path)
            if json {
                try printJSON(status)
            } else {
                for line in StatusText.lines(status, nowMs: Int64(time(nil)) * 1000) { show(line) }
            }
        }
    }
}
