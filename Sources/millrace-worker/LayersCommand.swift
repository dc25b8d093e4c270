import CPosix
import Confinement
import Domain
import FoundationEssentials
import Glibc
import WorkerHost

/// `millrace-worker layers`: which layers of a sandbox this computer has, found out by entering them, as JSON.
enum LayersCommand {
    static func perform(_ options: [String]) throws(Fault) {
        let leftOut = try Shelter(options: options).leftOut
        var both = SandboxAnswer(
            kernel: try answer { tell in
                let layers = Confinement(folders: [folder], files: [], leftOut: leftOut).enter()
                EncloseCommand.tell(layers, tell)
            },
            program: try answer { tell in
                var trial = Enclosure(
                    command: ["/usr/bin/env", "true"], environment: ["PATH=/usr/bin:/bin"],
                    bounds: Bounds(processes: 16, openFiles: 64, cpuSeconds: 10))
                trial.leftOut = leftOut
                _ = EnclosingProcess(trial) { report in
                    if report.ending == nil { EncloseCommand.tell(report.layers, tell) }
                    guard report.ending == .notStarted || report.ending == .notExecutable else { return }
                    var layers = report.layers
                    for layer in SandboxLayer.allCases where !layers.isActive(layer) {
                        layers.set(.init(layer, isActive: false, detail: report.words))
                    }
                    EncloseCommand.tell(layers, tell)
                }.perform()
            })
        both.kernel.set(ControlGroups.state())
        both.program.set(ControlGroups.state())
        EncloseCommand.tell(both, STDOUT_FILENO)
    }

    /// Any folder that is there: nothing is written.
    private static let folder = access("/tmp", F_OK) == 0 ? "/tmp" : "/var"

    /// What a child tells, in which the layers may be entered.
    private static func answer(_ body: (_ tell: Int32) -> Void) throws(Fault) -> SandboxLayers {
        var pipe: [Int32] = [-1, -1]
        guard pipe2(&pipe, O_CLOEXEC) == 0 else { throw Fault(.osError, "cannot make a pipe") }
        let child = millrace_fork()
        guard child >= 0 else { throw Fault(.osError, "cannot start a process: \(String(cString: strerror(errno)))") }
        if child == 0 {
            close(pipe[0])
            body(pipe[1])
            _exit(0)
        }
        close(pipe[1])
        defer { close(pipe[0]) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(pipe[0], &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        let line = bytes.split(separator: UInt8(ascii: "\n")).first ?? []
        guard let layers = try? JSONDecoder().decode(SandboxLayers.self, from: Data(line)) else {
            throw Fault(.software, "the sandbox ended without saying what it has")
        }
        return layers
    }
}
