import ArgumentParser
import ClientSystem
import Domain

struct TeamCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "team",
        abstract: "Your team: found one, join one, leave it.",
        discussion: """
            Credit counts for the team that you are in when it is granted, and stays there.

            Example: millrace-client team join "Star gazers"
            """,
        subcommands: [TeamShow.self, TeamFound.self, TeamJoin.self, TeamLeave.self],
        defaultSubcommand: TeamShow.self
    )
}

struct TeamShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows your team, and the ones before.")

    @OptionGroup var project: ProjectOption
    @OptionGroup var data: DataOption

    func run() throws { try showing(.show, project, data) }
}

struct TeamFound: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Founds a team and joins it; needs some credit.")

    @Argument(help: "The team's name, 1 to 64 bytes.")
    var name: String

    @OptionGroup var project: ProjectOption
    @OptionGroup var data: DataOption

    func run() throws { try showing(.foundTeam(name), project, data) }
}

struct TeamJoin: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join", abstract: "Joins a team, and leaves the present one.")

    @Argument(help: "The team's name.")
    var name: String

    @OptionGroup var project: ProjectOption
    @OptionGroup var data: DataOption

    func run() throws { try showing(.joinTeam(name), project, data) }
}

struct TeamLeave: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "leave", abstract: "Leaves your team.")

    @OptionGroup var project: ProjectOption
    @OptionGroup var data: DataOption

    func run() throws { try showing(.leaveTeam, project, data) }
}

/// Your account as the server has it.
struct AccountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account",
        abstract: "Your account on the server; whether your hosts are named in public statistics.",
        discussion: "Example: millrace-client account --hosts public"
    )

    enum Hosts: String, ExpressibleByArgument {
        case `public`, `private`
    }

    @Option(help: "public: the statistics files say which hosts are yours and what machines; private: they do not.")
    var hosts: Hosts?

    @OptionGroup var project: ProjectOption
    @OptionGroup var data: DataOption

    func run() throws { try showing(hosts.map { .setShowsHosts($0 == .public) } ?? .show, project, data) }
}

private func showing(_ act: VolunteerAccount.Act, _ project: ProjectOption, _ data: DataOption) throws {
    try reporting { () throws(Fault) in
        let folder = try Attachment.folder(of: project.name, in: data.path)
        for line in VolunteerAccount.lines(try VolunteerAccount.perform(act, folder: folder)) { show(line) }
    }
}
