import CPosix
import ClientCore
import Domain
import Glibc
import Preferences
import Synchronization
import WorkerHost

/// Brings the owner's preferences to those who decide and to those who enforce: watches the file, the local time, the
/// disk and the transfers. Used by the client's deciding thread only.
package struct PreferenceKeeper {
    private var file: PreferencesFile
    private let folder: String
    private let transfers: TransferFile
    package let governor: TransferGovernor
    private let post: @Sendable (ClientEvent) -> Void
    private let say: (String) -> Void

    package private(set) var utcOffsetSeconds: Int
    package private(set) var usage: NetworkUsage
    private var savedUsage: NetworkUsage
    private var lastSave: Double
    private var lastDiskLook = -Double.infinity
    private let pending = Pending()
    private let copies = TransferQueue(threadsMax: 1)
    /// A crash forgets at most so many bytes, and what moved in so many seconds.
    private static let unsavedBytesMax: Int64 = 1 << 20
    private static let unsavedSecondsMax = 60.0
    private static let diskSeconds = 60.0

    /// What is under way on other threads.
    private final class Pending: Sendable {
        let isSaving = Mutex(false)
        let isMeasuring = Mutex(false)
        /// Why the last good file could not be kept; nil: it is.
        let copyTrouble = Mutex<String?>(nil)
    }

    /// - Parameter post: takes events from any thread.
    /// - Parameter sayDamage: told of what was set aside; nil: as `say`.
    package init(
        file: PreferencesFile, folder: String, post: @escaping @Sendable (ClientEvent) -> Void,
        say: @escaping (String) -> Void, sayDamage: ((String) -> Void)? = nil
    ) {
        self.file = file
        self.folder = folder
        self.post = post
        self.say = say
        transfers = TransferFile(folder: folder)
        governor = TransferGovernor()
        let now = Timestamp(milliseconds: millrace_wall_milliseconds())
        utcOffsetSeconds = Self.utcOffset(at: now)
        let day = NetworkUsage.day(of: now, utcOffsetSeconds: utcOffsetSeconds)
        let saved = transfers.read(say: sayDamage ?? say)
        usage = saved?.day == day ? saved! : NetworkUsage(day: day, bytes: 0)
        savedUsage = usage
        lastSave = millrace_monotonic_seconds()
        governor.begin(day: usage.day, bytes: usage.bytes)
        sayProblems()
    }

    package var preferences: Preferences { file.effective.preferences }

    /// For the status: nil when there is nothing to say.
    package var problem: String? {
        let problems = file.problems + [pending.copyTrouble.withLock { $0 }].compactMap { $0 }
        return problems.isEmpty ? nil : problems.joined(separator: "\n")
    }

    /// What has moved today, and what may.
    package var transferStatus: ClientStatus.Transfers {
        let network = preferences.network
        return ClientStatus.Transfers(
            bytesToday: usage.bytes, bytesPerDay: network.bytesPerDay, downBytesPerSecond: network.downBytesPerSecond,
            upBytesPerSecond: network.upBytesPerSecond)
    }

    /// Every field and where its value came from.
    package var report: PreferencesReport { PreferencesReport(file) }

    package var optionStatus: [PreferenceOptionStatus] { file.options.map(PreferenceOptionStatus.init) }

    /// Looks at everything; call it once a second or so.
    ///
    /// - Parameter mayUseNetwork: the last decision, for transfers that are under way.
    /// - Returns: what the machine must know.
    package mutating func tend(mayUseNetwork: Bool) -> [ClientEvent] {
        let now = Timestamp(milliseconds: millrace_wall_milliseconds())
        var events: [ClientEvent] = []
        if file.look() {
            sayProblems()
            if file.problems.isEmpty { say("\(file.path) was read: its preferences are in force") }
            if let work = file.takeCopyWork() { keepCopy(work) }
            events.append(.settingsChanged(preferences))
        }
        let offset = Self.utcOffset(at: now)
        if offset != utcOffsetSeconds {
            utcOffsetSeconds = offset
            events.append(.utcOffset(seconds: offset))
        }
        let network = preferences.network
        governor.set(
            TransferGovernor.Limits(
                downBytesPerSecond: network.downBytesPerSecond, upBytesPerSecond: network.upBytesPerSecond,
                bytesPerDay: network.bytesPerDay), isOpen: mayUseNetwork)
        governor.begin(day: NetworkUsage.day(of: now, utcOffsetSeconds: offset))
        let (day, bytes) = governor.usage
        if usage != NetworkUsage(day: day, bytes: bytes) {
            usage = NetworkUsage(day: day, bytes: bytes)
            events.append(.networkUsed(usage))
        }
        saveUsage()
        measureDisk()
        return events
    }

    /// Saves what was counted, and waits for that, but not for ever: the disk may hang.
    package mutating func settle(seconds: Double) {
        let (day, bytes) = governor.usage
        usage = NetworkUsage(day: day, bytes: bytes)
        for _ in 0..<Int(seconds * 100) where pending.isSaving.withLock({ $0 }) { usleep(10_000) }
        lastSave = -.infinity
        saveUsage()
        for _ in 0..<Int(seconds * 100) where pending.isSaving.withLock({ $0 }) { usleep(10_000) }
    }

    // MARK: - On other threads

    private mutating func saveUsage() {
        guard usage != savedUsage else { return }
        let now = millrace_monotonic_seconds()
        let isDue =
            now - lastSave >= Self.unsavedSecondsMax || usage.day != savedUsage.day
            || usage.bytes - savedUsage.bytes >= Self.unsavedBytesMax
        guard isDue, begin(pending.isSaving) else { return }
        lastSave = now
        savedUsage = usage
        let (transfers, usage, pending) = (transfers, usage, pending)
        BlockingThread.start("transfers") {
            // A disk that is full now: the next save tells it.
            try? transfers.write(usage)
            pending.isSaving.withLock { $0 = false }
        }
    }

    /// A slow disk must not keep anybody waiting for the owner's new wishes.
    private func keepCopy(_ work: @escaping @Sendable () -> String?) {
        copies.submit { [pending] in
            let trouble = work()
            pending.copyTrouble.withLock { $0 = trouble }
        }
    }

    /// A look through the folder can take long.
    private mutating func measureDisk() {
        let now = millrace_monotonic_seconds()
        guard now - lastDiskLook >= Self.diskSeconds, begin(pending.isMeasuring) else { return }
        lastDiskLook = now
        let (folder, post, pending) = (folder, post, pending)
        let isBounded = preferences.disk.bytesMax != nil
        BlockingThread.start("disk") {
            let used = isBounded ? Files.bytes(inFolder: folder) : 0
            post(.diskMeasured(free: HostInventory.diskFreeBytes(folder), used: Int64(used)))
            pending.isMeasuring.withLock { $0 = false }
        }
    }

    /// - Returns: whether nobody else had begun.
    private func begin(_ flag: borrowing Mutex<Bool>) -> Bool {
        flag.withLock { isUnderWay in
            defer { isUnderWay = true }
            return !isUnderWay
        }
    }

    private func sayProblems() {
        guard !file.problems.isEmpty else { return }
        say("\(file.path) is refused; \(file.usesCopy ? "the last good one" : "what held before") stays in force")
        for problem in file.problems { say(problem) }
    }

    /// Local time minus UTC, in seconds. Looks at the time zone anew, so that a traveller need not restart.
    static func utcOffset(at moment: Timestamp) -> Int {
        tzset()
        var seconds = time_t(moment.milliseconds / 1000)
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { return 0 }
        return Int(parts.tm_gmtoff)
    }
}
