import Domain
import Glibc

/// The only program that links apps and numeric libraries. It runs one task, or answers jobs, and never the network.
@main
struct Main {
    static let usage = """
        usage: millrace-worker run FOLDER   compute the task whose files lie in FOLDER
                 --demand LAYER,...         refuse to compute without these layers of the sandbox
                 --no-sandbox               compute without one
               millrace-worker serve        answer framed jobs on standard input
               millrace-worker apps         list the apps as JSON
               millrace-worker layers       tell the layers of the sandbox that this computer has, as JSON
        exit codes: 0 done, 64 usage, 65 bad work unit, 66 bad input, 70 software, 71 over a limit, 73 cannot write,
                    75 stopped with a checkpoint, 78 app unknown, or no sandbox
        """

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do throws(Fault) {
            switch (arguments.first, arguments.count) {
            case ("run", 2...):
                let shelter = try Shelter(options: Array(arguments.dropFirst(2)))
                try RunCommand(folder: arguments[1], shelter: shelter).perform()
            case ("layers", 1...): try LayersCommand.perform(Array(arguments.dropFirst()))
            case ("enclose", 1): try EncloseCommand.perform()
            case ("probe-escape", 4): try ProbeCommand(arguments[1], arguments[2], arguments[3]).perform()
            case ("serve", 1): try ServeCommand.perform()
            case ("apps", 1): try AppsCommand.perform()
            case ("--help", 1), ("-h", 1), ("help", 1): print(usage)
            default: throw Fault(.usage, usage)
            }
        } catch {
            WorkerFiles.complain("millrace-worker: \(error)")
            exit(error.kind.rawValue)
        }
    }
}
