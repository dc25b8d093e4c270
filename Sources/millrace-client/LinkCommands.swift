import ArgumentParser
import ClientCore
import ClientSystem
import Domain
import Glibc

struct LinkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "link",
        abstract: "Gives a code with which another computer of yours joins your account.",
        discussion: """
            Example: millrace-client link
            Then, on the other computer: millrace-client attach http://millrace.example.org --link K7QF-2M9T
            """
    )

    @OptionGroup var project: ProjectOption
    @OptionGroup var data: DataOption

    func run() throws {
        try reporting { () throws(Fault) in
            let folder = try Attachment.folder(of: project.name, in: data.path)
            let reply = try VolunteerAccount.perform(.makeLinkCode, folder: folder)
            let url = try ProjectDirectory.credentials(in: folder).identity.serverURL
            for line in try VolunteerHosts.codeLines(reply, serverURL: url) { show(line) }
        }
    }
}

struct HostsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hosts",
        abstract: "Lists your computers at a project, or removes one.",
        discussion: """
            Example: millrace-client hosts --remove 12
            Works on the computer that manages the account: the one that has been there longest.
            """
    )

    @Option(help: "Ends the authority of this host: for a computer that is lost, sold or stolen.")
    var remove: Int64?

    @OptionGroup var project: ProjectOption
    @OptionGroup var data: DataOption

    func validate() throws {
        if let remove, remove < 1 { throw ValidationError("--remove is a host's number") }
    }

    func run() throws {
        try reporting { () throws(Fault) in
            let folder = try Attachment.folder(of: project.name, in: data.path)
            let own = try ProjectDirectory.credentials(in: folder).identity.host
            guard let remove else {
                let reply = try VolunteerAccount.perform(.listHosts, folder: folder)
                let now = Int64(time(nil)) * 1000
                for line in VolunteerHosts.lines(reply, own: own, nowMs: now) { show(line) }
                return
            }
            let host = HostID(rawValue: remove)
            guard host != own else {
                throw Fault(
                    .usage, "host \(host) is this computer", advice: "`millrace-client detach` leaves the project.")
            }
            let reply = try VolunteerAccount.perform(.removeHost(host), folder: folder)
            for line in VolunteerHosts.removedLines(reply, host) { show(line) }
        }
    }
}

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes all that a project's server and this computer hold of you into a JSON file.",
        discussion: "Example: millrace-client export me.json"
    )

    @Argument(help: "The file; one that is there is replaced.")
    var file: String

    @OptionGroup var project: ProjectOption
    @OptionGroup var data: DataOption

    func run() throws {
        try reporting { () throws(Fault) in
            let path = try data.pathToRead
            let folder = try Attachment.folder(of: project.name, in: path)
            try VolunteerExport.write(file, folder: folder, data: path) { show($0) }
            SudoCaller.own(file)
            show("written: \(file)")
        }
    }
}
