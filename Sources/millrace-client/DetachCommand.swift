import ArgumentParser
import ClientSystem
import Domain

struct DetachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "Leaves the project and removes everything of it from this computer.",
        discussion: """
            Example: millrace-client detach
            Gives unfinished tasks back, so that others compute them. Refuses while finished results are not reported.
            """
    )

    @Flag(help: "Leave even if finished results are lost by it.")
    var force = false

    @OptionGroup var data: DataOption

    func run() throws {
        try reporting { () throws(Fault) in
            let folder = try data.path
            guard DataDirectory.exists(folder) else {
                throw Fault(.noInput, "there is no client's folder \(folder)")
            }
            let directory = try DataDirectory(path: folder)
            let losses = try Attachment.detach(directory, force: force)
            let word = losses.untold == nil ? "given back" : "given up"
            for line in losses.open { show("\(word): \(line)") }
            if let untold = losses.untold {
                show("the server could not be told, and waits for the deadlines of tasks that are out: \(untold)")
            }
            for line in losses.unreported { show("lost: \(line)") }
            show("detached; the project's pages keep the credit")
        }
    }
}
