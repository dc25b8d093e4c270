import ArgumentParser
import ClientSystem
import Domain
import FoundationEssentials
import WorkerHost

struct SandboxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox",
        abstract: "Shows what stands between tasks and this computer, and tries to get past it.",
        discussion: """
            Example: millrace-client sandbox selftest
            Needs no project and no server. Everything that is tried is tried on things made for the purpose.
            """,
        subcommands: [SandboxShow.self, SandboxSelftestCommand.self],
        defaultSubcommand: SandboxShow.self
    )
}

struct SandboxShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows which layers of the sandbox this computer has, found out by entering them.",
        discussion: "Exit code 78 when kernels, which are part of Millrace, would not run.")

    @Flag(help: "For programs.")
    var json = false

    func run() throws {
        try reporting { () throws(Fault) in
            let answer = try SandboxAnswer.ask(worker: try WorkerLocator.find())
            try json ? print(asJSON(answer)) : SandboxText.lines(answer).forEach { show($0) }
            if let lacking = answer.kernel.shortfall(of: .kernel) {
                throw Fault(.configuration, "the sandbox lacks \(lacking)")
            }
        }
    }
}

struct SandboxSelftestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selftest",
        abstract: "Tries more than seventy ways out of the sandbox, for real, with the program that computes tasks.",
        discussion: """
            Each is tried as a kernel of Millrace and as a scientist's program, and without a sandbox where that harms
            nobody, to see that the way is there. Exit code 0: all denied; 1: one is open, or shows nothing; 78: there
            is no sandbox, or not all of it.
            """)

    @Flag(help: "For programs.")
    var json = false

    @Flag(help: "Also measure what the sandbox costs at the start of a task.")
    var time = false

    @Flag(inversion: .prefixedNo, help: "Also try without a sandbox.")
    var control = true

    func run() throws {
        var code: Int32 = 0
        try reporting { () throws(Fault) in
            let test = SandboxSelftest(worker: try WorkerLocator.find(), withControl: control, timed: time)
            let report = try test.run()
            try json ? print(asJSON(report)) : SandboxText.lines(report).forEach { show($0) }
            code = report.exitCode
        }
        if code != 0 { throw ExitCode(code) }
    }
}

private func asJSON(_ value: some Encodable) throws(Fault) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    guard let bytes = try? encoder.encode(value) else { throw Fault(.software, "the answer cannot be encoded") }
    return String(decoding: bytes, as: UTF8.self)
}
