import ArgumentParser
import ClientSystem
import Domain

struct PageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "page",
        abstract: "Opens the running client's page on this computer, and prints its address for a browser.",
        discussion: """
            The address is good once, for ten minutes, and only on this computer. The page closes an hour after the last
            look.
            Example: xdg-open "$(millrace-client page)"
            """
    )

    @OptionGroup var data: DataOption

    func run() throws {
        try reporting { () throws(Fault) in
            guard let page = try ControlClient.ask(ControlRequest(.page), folder: data.path).page else {
                throw Fault(.protocolError, "the running client has no page", advice: "Start it anew: it is older.")
            }
            show(page)
        }
    }
}
