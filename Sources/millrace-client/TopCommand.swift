import ArgumentParser
import ClientSystem
import Domain

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Shows the running client on the whole terminal, and takes its keys; `?` lists them.",
        discussion: "Where the output is no terminal, it prints one frame as text. NO_COLOR is honoured."
    )

    @OptionGroup var data: DataOption

    func run() throws {
        try reporting { () throws(Fault) in
            try TopProgram.run(folder: data.path) { show($0) }
        }
    }
}
