import ArgumentParser
import ClientCore
import ClientSystem
import Domain
import FoundationEssentials

struct ProjectsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "projects",
        abstract: "Lists the projects that this computer is attached to: name, address, share, state, credit.",
        discussion: "Example: millrace-client projects --json"
    )

    @Flag(help: "For programs.")
    var json = false

    @OptionGroup var data: DataOption

    private struct Row: Encodable {
        var name: String
        var server: String?
        var site: String?
        var host: Int64?
        var share: Double?
        /// working, leaving, set aside; nil: no client runs, or it has not taken the project up yet
        var state: String?
        var creditCobblestones: Double?
        var problem: String?
    }

    func run() throws {
        try reporting { () throws(Fault) in
            let attached = try Attachment.list(in: data.path)
            let status = try? DataDirectory.status(in: data.path)
            guard json else {
                for line in StatusText.projects(attached, status: status) { show(line) }
                if attached.isEmpty { show("none: `millrace-client attach URL` joins one") }
                return
            }
            let rows = attached.map { name, attachment in
                let known = status?.projects.first { $0.name == name }
                return Row(
                    name: name, server: attachment?.serverURL, site: attachment?.site,
                    host: attachment?.host.rawValue, share: known?.share,
                    state: status?.running == true ? known?.state : nil,
                    creditCobblestones: known?.creditCobblestones, problem: known?.problem)
            }
            try printJSON(rows)
        }
    }
}

/// For programs: sorted keys, so that what is the same looks the same.
func printJSON(_ value: some Encodable) throws(Fault) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    guard let bytes = try? encoder.encode(value) else { throw Fault(.software, "this cannot be written as JSON") }
    print(String(decoding: bytes, as: UTF8.self))
}
