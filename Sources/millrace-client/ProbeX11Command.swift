import ArgumentParser
import ClientSystem

/// Started by the running client, not by people.
struct ProbeX11Command: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe-x11", abstract: "Prints the X11 idle time, line by line.", shouldDisplay: false)

    func run() throws {
        throw ExitCode(X11IdleChild.run())
    }
}
