import ArgumentParser
import ClientCore
import ClientSystem
import Domain
import FoundationEssentials
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
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
                guard let bytes = try? encoder.encode(status) else {
                    throw Fault(.software, "status cannot be encoded")
                }
                print(String(decoding: bytes, as: UTF8.self))
            } else {
                for line in StatusText.lines(status, nowMs: Int64(time(nil)) * 1000) { show(line) }
            }
        }
    }
}
