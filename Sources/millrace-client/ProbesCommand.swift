import ArgumentParser
import ClientCore
import ClientSystem
import Domain
import FoundationEssentials
import Preferences

struct ProbesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probes",
        abstract: "Looks once at everything that may pause the client, and shows what this computer tells.",
        discussion: """
            Example: millrace-client probes --program steam --permission-file ~/price
            Without these two, the programs, the file and the command of your preferences are looked at.
            What is looked at, and how: docs/volunteer.md
            """
    )

    @Option(name: .customLong("program"), help: "The name of a program to look for; may be given several times.")
    var programs: [String] = []

    @Option(help: "A file whose first line says yes or no.")
    var permissionFile: String?

    @Option(help: "Wait so many seconds for those that are slow.")
    var waitSeconds: Double = 8

    @Flag(help: "For programs.")
    var json = false

    @OptionGroup var file: PreferencesOption

    @OptionGroup var data: DataOption

    func validate() throws {
        guard (1...600).contains(waitSeconds) else { throw ValidationError("--wait-seconds is 1 to 600") }
        guard programs.count <= ProbeSettings.programsMax else {
            throw ValidationError("--program can be given \(ProbeSettings.programsMax) times")
        }
    }

    func run() throws {
        try reporting { () throws(Fault) in
            let preferences = try PreferencesFile(folder: data.path, path: file.path, keepsCopy: false)
            for problem in preferences.problems { complain(problem) }
            var settings = ProbeSettings(preferences.effective.preferences)
            if !programs.isEmpty { settings.exclusivePrograms = programs }
            if let permissionFile { (settings.permissionFile, settings.permissionCommand) = (permissionFile, []) }
            let report = ProbeReport.take(settings: settings, waitSeconds: waitSeconds)
            guard json else {
                for line in report.lines { show(line) }
                return
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            guard let bytes = try? encoder.encode(report) else {
                throw Fault(.software, "the report cannot be encoded")
            }
            print(String(decoding: bytes, as: UTF8.self))
        }
    }
}
