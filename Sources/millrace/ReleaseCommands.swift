import ArgumentParser
import Console
import Domain
import Glibc
import Releases

struct Release: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Sign the programs that volunteers may run: keys, versions, expiry; works without a network.",
        discussion: """
            Volunteers' clients run a project's own executables and WebAssembly modules only as signed release
            metadata names them. Keys lie in files, on a machine that need not be online.

            Example, from nothing to a published program:
              millrace release init releases --name pulsars.example.org --keys release-keys
              millrace release add solver 1.0 x86_64-linux=build/solver --needs landlock seccomp
              millrace release sign --keys release-keys
              millrace release publish
            At least every 14 days (cron), else clients stop believing:
              millrace release refresh --keys release-keys && millrace release publish
            """,
        subcommands: [
            ReleaseInit.self, ReleaseAdd.self, ReleaseWithdraw.self, ReleaseClient.self, ReleaseSign.self,
            ReleaseRefresh.self, ReleaseRenew.self, ReleaseKeysTool.self, ReleaseKeygen.self, ReleaseShow.self,
            ReleaseVerify.self, ReleasePublish.self,
        ])
}

extension ReleaseRole: ExpressibleByArgument {}

/// Where, and for how long.
struct ReleaseOptions: ParsableArguments {
    @Option(name: .long, help: "The release folder.")
    var folder = "releases"
    @Option(name: .long, help: "Days for which a new root is valid.")
    var rootDays = ReleaseTerms().root
    @Option(name: .long, help: "Days for which a new list of programs is valid.")
    var targetsDays = ReleaseTerms().targets
    @Option(name: .long, help: "Days for which a new snapshot is valid.")
    var snapshotDays = ReleaseTerms().snapshot
    @Option(name: .long, help: "Days for which a new timestamp is valid: refresh before they are over.")
    var timestampDays = ReleaseTerms().timestamp

    func validate() throws {
        for days in [rootDays, targetsDays, snapshotDays, timestampDays]
        where !(1...ReleaseTerms.daysMax).contains(days) {
            throw ValidationError("days are 1 to \(ReleaseTerms.daysMax)")
        }
    }

    static var now: Timestamp { Timestamp(seconds: Int64(time(nil))) }

    var admin: ReleaseAdmin {
        let terms = ReleaseTerms(
            root: rootDays, targets: targetsDays, snapshot: snapshotDays, timestamp: timestampDays)
        return ReleaseAdmin(folder: folder, terms: terms, now: Self.now)
    }
}

struct ReleaseInit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make keys and a release folder without programs.",
        discussion: """
            Keys that are in the key folder already are used. For a project of several keepers: 2 of 3 root keys.

            Example:
              millrace release init releases --name pulsars.example.org --keys keys --root-keys 3 --root-threshold 2
            """)

    @Argument(help: "The release folder, new.")
    var place = "releases"
    @Option(name: .long, help: "The project's name for its releases; it never changes.")
    var name: String
    @Option(name: .long, help: "The folder of the secret keys; made when it is not there.")
    var keys: String
    @Option(name: .long, help: "How many root keys.")
    var rootKeys = 1
    @Option(name: .long, help: "How many of them must sign.")
    var rootThreshold = 1
    @OptionGroup var options: ReleaseOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            var options = options
            options.folder = place
            return try options.admin.begin(
                name: name, keys: keys, rootKeys: rootKeys, rootThreshold: rootThreshold, context)
        }
    }
}

struct ReleaseAdd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Draft a release of an app: one file for each platform.",
        discussion: """
            Platforms: x86_64-linux, aarch64-linux, wasm, any (scripts). Nothing is public before `sign` and `publish`.

            Example:
              millrace release add fit 2.1 any=fit.py --interpreter python3 --needs landlock seccomp
            """)

    @Argument(help: "The app's name.")
    var app: String
    @Argument(help: "Its version; a version never changes.")
    var version: String
    @Argument(help: "PLATFORM=FILE, one or more.")
    var files: [String]
    @Option(name: .long, parsing: .upToNextOption, help: "Layers of the sandbox that a client must have.")
    var needs: [String] = []
    @Option(name: .long, help: "What reads the file, a bare name, for example python3.")
    var interpreter: String?
    @OptionGroup var options: ReleaseOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try options.admin.add(
                app, version, files: files, layers: needs, interpreter: interpreter, context)
        }
    }
}

struct ReleaseWithdraw: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw", abstract: "Draft a list without a release: clients start it no more.",
        discussion: "Example:\n  millrace release withdraw solver 1.0")

    @Argument(help: "The app's name.")
    var app: String
    @Argument(help: "Its version.")
    var version: String
    @OptionGroup var options: ReleaseOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in try options.admin.withdraw(app, version, context) }
    }
}

struct ReleaseClient: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client",
        abstract: "Draft a list that tells volunteers of a newer client; it never updates itself.",
        discussion: "Example:\n  millrace release client 0.2.0")

    @Argument(help: "The newest version of millrace-client.")
    var version: String
    @OptionGroup var options: ReleaseOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in try options.admin.announceClient(version, context) }
    }
}

/// Secret keys.
struct ReleaseKeyOption: ParsableArguments {
    @Option(name: .long, parsing: .upToNextOption, help: "Files of secret keys, or folders with *.key.")
    var keys: [String]
}

struct ReleaseSign: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Sign the drafts with the keys that are here.",
        discussion: """
            Where several people must sign, each runs this with the own key, on a copy of the folder that goes round.

            Example:
              millrace release sign --keys /media/stick/root-2.key
            """)

    @OptionGroup var secret: ReleaseKeyOption
    @OptionGroup var options: ReleaseOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in try options.admin.sign(keys: secret.keys, context) }
    }
}

struct ReleaseRefresh: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refresh", abstract: "Sign a new timestamp: nothing newer is there. For cron.",
        discussion: """
            Needs the keys of timestamp and snapshot only.

            Example:
              millrace release refresh --keys timestamp.key snapshot.key
            """)

    @OptionGroup var secret: ReleaseKeyOption
    @OptionGroup var options: ReleaseOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in try options.admin.refresh(keys: secret.keys, context) }
    }
}

struct ReleaseRenew: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew", abstract: "Draft the same root or list of programs with a later end.",
        discussion: "Example:\n  millrace release renew root")

    @Argument(help: "root or targets.")
    var role: ReleaseRole
    @OptionGroup var options: ReleaseOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard role == .root || role == .targets else { throw ValidationError("only root and targets are renewed") }
    }

    func run() throws {
        try output.finish { (context) throws(Fault) in try options.admin.renew(role, context) }
    }
}

struct ReleaseKeysTool: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Draft a root with other keys for a role: rotation, and recovery after a theft.",
        discussion: """
            The new root must be signed by the old root keys and by the new ones, each in their number.

            Example:
              millrace release keys timestamp --remove 4f0c... --add 77ab...
            """)

    @Argument(help: "root, targets, snapshot or timestamp.")
    var role: ReleaseRole
    @Option(name: .long, help: "A public key, 64 hexadecimal digits; may be given several times.")
    var add: [String] = []
    @Option(name: .long, help: "A public key that may sign no more; may be given several times.")
    var remove: [String] = []
    @Option(name: .long, help: "How many keys must sign.")
    var threshold: Int?
    @OptionGroup var options: ReleaseOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard role != .anchor else { throw ValidationError("the server signs anchors, with the project's key") }
    }

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try options.admin.changeKeys(role, add: add, remove: remove, threshold: threshold, context)
        }
    }
}

struct ReleaseKeygen: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen", abstract: "Make a secret key; print the public one.",
        discussion: "An existing file is never overwritten.\n\nExample:\n  millrace release keygen root-2.key")

    @Argument(help: "The file for the secret key; only its owner may read it.")
    var file: String
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in try ReleaseAdmin.makeKey(file, context) }
    }
}

struct ReleaseShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show roles, keys, ends and programs of a release folder.",
        discussion: "Example:\n  millrace release show --folder releases")

    @Option(name: .long, help: "The release folder.")
    var folder = "releases"
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try ReleaseShowCommand(folder: folder, now: ReleaseOptions.now).run(context)
        }
    }
}

struct ReleaseVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Look at a folder, or at a server, as a client does.",
        discussion: """
            Exit code 1 when a client would refuse something, or a program is missing or changed.

            Example:
              millrace release verify releases
              millrace release verify http://127.0.0.1:8080 --project-key 1f3c...
            """)

    @Argument(help: "A release folder, or the address of a server.")
    var place = "releases"
    @Option(name: .long, help: "The project's key, 64 hexadecimal digits; else what the server says.")
    var projectKey: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try ReleaseVerifyCommand(place: place, project: projectKey, now: ReleaseOptions.now).run(context)
        }
    }
}

struct ReleasePublish: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Upload programs and signed metadata to the server.",
        discussion: """
            The server takes what clients would take, and nothing else. No key is needed, only the admin's token.

            Example:
              millrace release publish --server https://pulsars.example.org --token-file admin.token
            """)

    @Option(name: .long, help: "The release folder.")
    var folder = "releases"
    @OptionGroup var server: ServerOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.finish { (context) throws(Fault) in
            try ReleasePublishCommand(folder: folder, client: try server.client(context)).run(context)
        }
    }
}
