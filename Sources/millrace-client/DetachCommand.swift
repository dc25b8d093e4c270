import ArgumentParser
import ClientSystem
import Domain
import Glibc

struct DetachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "Leaves a project and removes everything of it from this computer.",
        discussion: """
            Example: millrace-client detach http://millrace.example.org
            Gives unfinished tasks back, so that others compute them. Refuses while finished results are not reported.
            With --erase your account ends, on all your computers, and what tells of you is removed from the server.
            A client that runs is asked to let the project go first; the others go on.
            """
    )

    @Argument(help: "The server's address, or the name that `projects` shows; not needed when there is only one.")
    var project: String?

    @Flag(help: "Leave even if finished results are lost by it.")
    var force = false

    @Flag(help: "Erase your account at this project, on all your computers.")
    var erase = false

    @Flag(help: "With --erase: do not ask.")
    var yes = false

    @OptionGroup var data: DataOption

    func run() throws {
        try reporting { () throws(Fault) in
            let folder = try data.path
            try DataDirectory.mustExist(folder, "there is no client's folder \(folder)")
            if erase { try confirm() }
            let (name, losses) = try Attachment.detach(
                project, data: folder, force: force, parting: erase ? .erase : .leave, say: { show($0) })
            let word = losses.untold == nil ? "given back" : "given up"
            for line in losses.open { show("\(word): \(line)") }
            if let untold = losses.untold {
                show("the server could not be told, and waits for the deadlines of tasks that are out: \(untold)")
            }
            for line in losses.unreported { show("lost: \(line)") }
            if let erasure = losses.erasure {
                show(
                    "erased: of volunteer \(erasure.volunteer) the server keeps a number and what the ledger says of it"
                )
                show("the server's signed statement is kept in erased.json beside the receipts")
            }
            show("detached from \(name)\(erase ? "" : "; the project's pages keep the credit")")
        }
    }

    private func confirm() throws(Fault) {
        for line in Erasure.warning { show(line) }
        if yes { return }
        guard isatty(0) == 1 else {
            throw Fault(.usage, "nobody is there to confirm", advice: "Add --yes, if you mean it.")
        }
        show("Write erase to go on:")
        guard readLine() == "erase" else { throw Fault(.negative, "nothing was done") }
    }
}
