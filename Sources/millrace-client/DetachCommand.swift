import ArgumentParser
import ClientSystem
import Domain

struct DetachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "Leaves a project and removes everything of it from this computer.",
        discussion: """
            Example: millrace-client detach http://millrace.example.org
            Gives unfinished tasks back, so that others compute them. Refuses while finished results are not reported.
            A client that runs is asked to let the project go first; the others go on.
            """
    )

    @Argument(help: "The server's address, or the name that `projects` shows; not needed when there is only one.")
    var project: String?

    @Flag(help: "Leave even if finished results are lost by it.")
    var force = false

    @OptionGroup var data: DataOption

    func run() throws {
        try reporting { () throws(Fault) in
            guard DataDirectory.exists(data.path) else {
                throw Fault(.noInput, "there is no client's folder \(data.path)")
            }
            let (name, losses) = try Attachment.detach(project, data: data.path, force: force, say: { show($0) })
            let word = losses.untold == nil ? "given back" : "given up"
            for line in losses.open { show("\(word): \(line)") }
            if let untold = losses.untold {
                show("the server could not be told, and waits for the deadlines of tasks that are out: \(untold)")
            }
            for line in losses.unreported { show("lost: \(line)") }
            show("detached from \(name); the project's pages keep the credit")
        }
    }
}
