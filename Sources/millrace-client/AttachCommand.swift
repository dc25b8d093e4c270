import ArgumentParser
import ClientCore
import ClientSystem
import Domain
import Glibc

struct AttachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Joins a project: shows its key, pins it, registers this computer.",
        discussion: "Example: millrace-client attach http://millrace.example.org --name Ada"
    )

    @Argument(help: "The server's address.")
    var url: String

    @Option(name: .long, help: "Your name on the project's pages; default: your login name.")
    var name: String?

    @OptionGroup var data: DataOption

    func run() throws {
        try reporting { () throws(Fault) in
            let directory = try DataDirectory(path: data.path)
            let volunteer = name ?? Self.loginName
            let identity = try Attachment.attach(url: url, volunteer: volunteer, directory: directory) {
                show("site         \($0.site.isEmpty ? $0.serverURL : $0.site)")
                for project in $0.projects { show("project      \(project)") }
                show("project key  \($0.fingerprint)")
            }
            if identity.volunteerName != volunteer {
                show("name         this host is \(identity.volunteerName)'s; detach first to use another name")
            }
            show("attached as host \(identity.host) of \(identity.volunteerName); the key is pinned")
        }
    }

    /// Of the person, also under sudo.
    private static var loginName: String {
        for variable in ["SUDO_USER", "USER"] {
            if let name = getenv(variable), name.pointee != 0 { return String(cString: name) }
        }
        return "volunteer"
    }
}
