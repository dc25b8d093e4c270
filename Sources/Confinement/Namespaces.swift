import CPosix
import Domain
import Glibc

/// Namespaces: views of the system that a process has to itself.
enum Namespaces {
    // CLONE_NEW... of linux/sched.h.
    static let mounts = 0x0002_0000
    static let controlGroups = 0x0200_0000
    static let uts = 0x0400_0000
    static let ipc = 0x0800_0000
    static let user = 0x1000_0000
    static let pids = 0x2000_0000
    static let network = 0x4000_0000

    /// Moves this process into new namespaces, of which it is the master until it gives its privileges up. It has one
    /// thread.
    ///
    /// - Parameter user: inside, the present user has this number; nil: no user namespace, for the machine's root.
    /// - Throws: `.configuration` when the system does not let it.
    static func enter(_ kinds: Int, uid: uid_t?, gid: gid_t?) throws(Fault) {
        let (outerUser, outerGroup) = (geteuid(), getegid())
        guard SystemCall.perform("unshare", uid == nil ? kinds : kinds | user) == 0 else {
            let why = errno == ENOSPC ? "the system's limit of them is reached" : SystemCall.reason
            throw Fault(.configuration, "no namespaces: \(why)", advice: advice)
        }
        guard let uid, let gid else { return }
        // Whoever maps groups may not drop them any more; see user_namespaces(7).
        try tell("/proc/self/setgroups", "deny")
        try tell("/proc/self/uid_map", "\(uid) \(outerUser) 1")
        try tell("/proc/self/gid_map", "\(gid) \(outerGroup) 1")
    }

    static let advice = "Let this user make namespaces: kernel.unprivileged_userns_clone and user.max_user_namespaces."

    private static func tell(_ file: String, _ text: String) throws(Fault) {
        let descriptor = open(file, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemCall.fault("open \(file)") }
        defer { close(descriptor) }
        guard write(descriptor, text, text.utf8.count) == text.utf8.count else {
            throw SystemCall.fault("write \(file)")
        }
    }
}
