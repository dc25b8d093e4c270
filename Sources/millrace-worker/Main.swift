import Domain
import Glibc

/// The only program that links apps and numeric libraries. It runs one task, or answers jobs, and never the network.
@main
struct Main {
    static let usage = """
        usage: millrace-worker run FOLDER   compute the task whose files lie in FOLDER
               millrace-worker serve        answer framed jobs on standard input
               millrace-worker apps         list the apps as JSON
        exit codes: 0 done, 64 usage, 65 bad work unit, 66 bad input, 70 software, 71 over a limit, 73 cannot write,
                    75 stopped with a checkpoint, 78 app unknown
        """

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do throws(Fault) {
            switch (arguments.first, arguments.count) {
            case ("run", 2): try RunCommand(folder: arguments[1]).perform()
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
