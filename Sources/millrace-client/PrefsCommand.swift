import ArgumentParser
import ClientSystem
import Domain
import Preferences

struct PrefsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prefs",
        abstract: "Shows every preference and where its value came from.",
        discussion: """
            millrace-client prefs --example > ~/.local/share/millrace/preferences.yaml
            millrace-client prefs --check FILE

            exit codes: 0 done, 64 usage, 65 the file is refused, 66 no such file
            """
    )

    @Flag(help: "For programs.")
    var json = false

    @Option(help: "Only look whether this file is right.")
    var check: String?

    @Flag(help: "Print a commented file with every field, to begin from.")
    var example = false

    @OptionGroup var file: PreferencesOption

    @OptionGroup var data: DataOption

    func run() throws {
        try reporting { () throws(Fault) in
            if example { return print(PreferencesExample.text, terminator: "") }
            if let check { return try look(at: check) }
            let report = try PreferencesReport(folder: data.path, path: file.path)
            if json { print(try report.json()) } else { for line in report.lines { show(line) } }
            guard !report.problems.isEmpty else { return }
            throw Fault(.badData, report.problems.joined(separator: "\n"), advice: "The values above hold meanwhile.")
        }
    }

    private func look(at path: String) throws(Fault) {
        let faults = try PreferencesFile.check(path)
        guard faults.isEmpty else { throw Fault(.badData, faults.map(\.text).joined(separator: "\n")) }
        show("\(path) is right")
    }
}

/// Where the preferences are.
struct PreferencesOption: ParsableArguments {
    @Option(name: .customLong("preferences"), help: "The file of preferences; default: preferences.yaml in the folder.")
    var path: String?
}
