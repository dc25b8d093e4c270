import ArgumentParser
import ClientCore
import ClientSystem
import Domain
import Glibc

struct AttachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Joins a project: shows its key, pins it, registers this computer.",
        discussion: """
            Example: millrace-client attach http://millrace.example.org --name Ada
            Another computer of yours: millrace-client attach http://millrace.example.org --link K7QF-2M9T
            A computer can be attached to many projects; a client that runs takes a new one up by itself.
            """
    )

    @Argument(help: "The server's address.")
    var url: String

    @Option(name: .long, help: "Your name on the project's pages; default: your login name.")
    var name: String?

    @Option(help: "Joins the account that gave this code (`link` on a computer of yours); then --name says nothing.")
    var link: String?

    @OptionGroup var data: DataOption

    func run() throws {
        try reporting { () throws(Fault) in
            var code: LinkCode?
            if let link {
                code = LinkCode(link)
                guard code != nil else {
                    throw Fault(
                        .usage, "\"\(link)\" is no link code", advice: "It has eight letters and digits, as K7QF-2M9T.")
                }
            }
            let volunteer = name ?? Self.loginName
            let identity = try Attachment.attach(
                url: url, volunteer: volunteer, linkCode: code, data: data.path, say: { show("note         \($0)") }
            ) {
                show("site         \($0.site.isEmpty ? $0.serverURL : $0.site)")
                for project in $0.projects { show("project      \(project)") }
                show("project key  \($0.fingerprint)")
                if let root = $0.releaseRoot { show("release root \(root)") }
                if let trouble = $0.releaseTrouble { show("releases     not believed: \(trouble)") }
            }
            if code == nil, identity.volunteerName != volunteer {
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
