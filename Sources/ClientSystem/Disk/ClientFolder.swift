import CPosix
import Domain
import Glibc
import WorkerHost

/// The folder of commands that name none: the one of the computer's service where there is one, else the user's own.
public struct ClientFolder: Hashable, Sendable {
    public var path: String
    /// Whose the folder is, and as whom root goes on there: what it makes must be the service's.
    package var becomes: Service?

    /// A client that the computer runs, with an account of its own.
    package struct Service: Hashable, Sendable {
        package var path: String
        package var user: uid_t
        package var group: gid_t
        /// It is started with the computer.
        package var isEnabled: Bool

        package init(path: String, user: uid_t, group: gid_t, isEnabled: Bool) {
            self.path = path
            self.user = user
            self.group = group
            self.isEnabled = isEnabled
        }

        private static let folder = "/var/lib/millrace-client"
        /// What `systemctl enable` makes.
        private static let link = "/etc/systemd/system/multi-user.target.wants/millrace-client.service"

        /// What the package has set up on this computer; nil: nothing.
        static func find() -> Service? {
            var status = stat()
            guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid != 0 else { return nil }
            let (user, group) = (status.st_uid, status.st_gid)
            return Service(path: folder, user: user, group: group, isEnabled: lstat(link, &status) == 0)
        }
    }

    /// - Parameters:
    ///   - user: who gives the command.
    ///   - own: the user's own folder.
    ///   - isOwnUsed: a client has used it.
    ///   - service: nil: there is none.
    package static func choose(user: uid_t, own: String, isOwnUsed: Bool, service: Service?) -> ClientFolder {
        guard let service else { return ClientFolder(path: own) }
        if user == service.user { return ClientFolder(path: service.path) }
        if user == 0, service.isEnabled || !isOwnUsed { return ClientFolder(path: service.path, becomes: service) }
        return ClientFolder(path: service.isEnabled && !isOwnUsed ? service.path : own)
    }

    /// Finds the folder and sees to it that this process may use it; root becomes the service's user, for good.
    ///
    /// - Returns: the folder's path.
    /// - Throws: `.configuration` when it is the service's and this user is kept out; `.osError`.
    public static func enter() throws(Fault) -> String { try find(becoming: true) }

    /// As `enter`, but root stays root: for commands that only read the folder and write where the person stands.
    public static func look() throws(Fault) -> String { try find(becoming: false) }

    private static func find(becoming: Bool) throws(Fault) -> String {
        let own = DataDirectory.standardPath
        let choice = choose(
            user: geteuid(), own: own, isOwnUsed: DataDirectory.exists(own), service: Service.find())
        if let service = choice.becomes {
            if becoming { try become(service) }
        } else if choice.path != own, access(choice.path, R_OK | X_OK) != 0 {
            throw Fault(
                .configuration, "Millrace runs on this computer as a service, whose folder \(choice.path) is not yours",
                advice: "Put sudo before the command. To look without it, join the group and log in anew: "
                    + "sudo adduser $USER millrace-client. For a client of your own: --data \(own)")
        }
        return choice.path
    }

    private static func become(_ service: Service) throws(Fault) {
        var groups = [service.group]
        guard setgroups(1, &groups) == 0, setgid(service.group) == 0, setuid(service.user) == 0 else {
            throw Files.fault("become the owner of", service.path)
        }
        setenv("HOME", service.path, 1)
        umask(0o027)
    }
}
