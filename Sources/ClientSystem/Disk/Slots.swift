import Bytes
import CPosix
import ClientCore
import Domain
import FoundationEssentials
import Glibc
import Wire
import WorkerHost

/// The folders of tasks, and the cache of inputs that all tasks share.
extension ProjectDirectory {
    /// Beside the files of `RunFolder`: what the server said when it gave the task.
    static let offerFile = "offer.json"

    public func slot(_ task: TaskID) -> String { "\(path)/slots/\(task.rawValue)" }
    public func blob(_ digest: Digest) -> String { "\(path)/blobs/\(digest.hex)" }
    /// What kernels keep per host, for example FFT wisdom.
    public var cache: String { "\(path)/cache" }

    /// Puts offer and container into the task's folder; after a crash both are there or the folder says nothing.
    func store(_ offer: Offer, unit: [UInt8]) throws(Fault) {
        let folder = slot(offer.task)
        try Files.makeFolder(folder)
        guard let json = try? JSONEncoder().encode(offer) else { throw Fault(.software, "an offer cannot be encoded") }
        try Files.replace("\(folder)/\(RunFolder.unit)", with: unit)
        try Files.replace("\(folder)/\(Self.offerFile)", with: [UInt8](json))
        Files.syncFolder(of: folder)
    }

    /// Looks at all task folders; a worker that outlived its client is ended first.
    ///
    /// - Parameter say: told what was found odd.
    package func findings(say: (String) -> Void) throws(Fault) -> [SlotFinding] {
        var findings: [SlotFinding] = []
        for name in try Files.names(in: "\(path)/slots") {
            guard let number = Int64(name), number > 0 else {
                say("\(path)/slots/\(name) is no task's folder and is left alone")
                continue
            }
            let task = TaskID(rawValue: number)
            endLeftover(in: slot(task), say: say)
            Self.removeTemporaries(in: slot(task))
            findings.append(finding(task))
        }
        return findings
    }

    private func finding(_ task: TaskID) -> SlotFinding {
        let folder = slot(task)
        let unit = try? Files.read("\(folder)/\(RunFolder.unit)", limit: Limits.workUnitBytesMax)
        let json = try? Files.read("\(folder)/\(Self.offerFile)", limit: 1 << 16)
        let offer = json.flatMap { try? JSONDecoder().decode(Offer.self, from: Data($0)) }
        let progress = WorkerProgress.read(folder)
        var finding = SlotFinding(
            task: task, offer: offer, unit: unit, result: result(task), used: progress?.used ?? Usage(),
            fraction: progress?.fraction)
        finding.isResultUnread = finding.result == nil && Files.exists("\(folder)/\(RunFolder.result)")
        return finding
    }

    /// Puts right what the state knows better, and sets a result aside that nobody can report any more.
    ///
    /// - Parameter say: told what was done.
    /// - Returns: the findings that are left.
    package func mended(
        _ findings: [SlotFinding], _ state: ClientState, say: (String) -> Void
    ) throws(Fault) -> [SlotFinding] {
        var kept: [SlotFinding] = []
        for finding in findings {
            let folder = slot(finding.task)
            let file = "\(folder)/\(Self.offerFile)"
            let isOfferSound = finding.offer?.task == finding.task
            if let task = state[task: finding.task] {
                if !isOfferSound, finding.unit != nil, let json = try? JSONEncoder().encode(task.offer) {
                    try Files.replace(file, with: [UInt8](json))
                    say("\(file) was missing or damaged and was written anew from the state")
                }
                if let unit = finding.unit, !task.stage.isOver, SHA256Hash.digest(of: unit) != task.offer.unit {
                    say("\(folder)/\(RunFolder.unit) is damaged; it is fetched anew")
                }
            } else if !isOfferSound || finding.unit == nil, finding.result != nil || finding.isResultUnread {
                // After a lost state: a folder without a result holds nothing that the server could want.
                let aside = ProjectNames.last(try ProjectNames.setAside(folder))
                say("\(folder) holds a result, and nothing says of which task: it was set aside as \(aside)")
                continue
            }
            kept.append(finding)
        }
        return kept
    }

    /// The complete result in a task's folder, if there is one; its name appears only when it is complete.
    func result(_ task: TaskID) -> ResultSummary? {
        let file = "\(slot(task))/\(RunFolder.result)"
        guard let size = Files.size(file), let digest = try? BlobDownload.digest(ofFile: file) else { return nil }
        let fingerprint = WorkerRun.progress(in: slot(task))?.fingerprint ?? ""
        return ResultSummary(digest: digest, bytes: Int64(size), fingerprint: fingerprint)
    }

    /// Digests of the cache's complete files. Parts of downloads stay for the next attempt.
    func cachedBlobs() throws(Fault) -> [Digest] {
        try Files.names(in: "\(path)/blobs").compactMap { Digest(hex: $0) }
    }

    /// Removes all cached files but these and what belongs to them, such as the part of a download that runs.
    package func keepBlobs(_ digests: [Digest]) throws(Fault) {
        let kept = Set(digests.map(\.hex))
        for name in try Files.names(in: "\(path)/blobs") {
            let blob = String(name.prefix { $0 != "." })
            if !kept.contains(blob) { try Files.remove("\(path)/blobs/\(name)") }
        }
    }

    /// Temporary files that a killed client left in the middle of a write, a private key perhaps. Only who holds the
    /// lock writes here, so they are nobody's; a disk that refuses is for others to report.
    func removeTemporaries() {
        for folder in [path, "\(path)/blobs"] { Self.removeTemporaries(in: folder) }
    }

    static func removeTemporaries(in folder: String) {
        for name in (try? Files.names(in: folder)) ?? [] {
            // `NAME.PID.new`, see `Files.replace`.
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count >= 3, parts.last == "new", Int32(parts[parts.count - 2]) != nil else { continue }
            try? Files.remove("\(folder)/\(name)")
        }
    }

    /// A client killed while its workers were stopped may leave one behind. It holds the folder's lock, and its
    /// number is in the lock's file.
    private func endLeftover(in folder: String, say: (String) -> Void) {
        let lock = open("\(folder)/\(RunFolder.lock)", O_RDWR | O_CLOEXEC)
        guard lock >= 0 else { return }
        defer { close(lock) }
        for attempt in 0..<100 {
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { return }
            guard let text = try? Files.read("\(folder)/\(RunFolder.lock)", limit: 64),
                let pid = pid_t(String(decoding: text, as: UTF8.self).filter { $0.isNumber }), pid > 1
            else { return }
            if attempt == 0 { say("worker \(pid) of an earlier client still holds \(folder); it is ended") }
            // It may be saving its checkpoint: half a second for that.
            // A scientist's program is of its group, and holds the lock as well.
            if attempt >= 50 { kill(-pid, SIGKILL) }
            if attempt >= 50 { kill(pid, SIGKILL) } else if attempt == 0 { kill(pid, SIGTERM) }
            kill(pid, SIGCONT)
            usleep(10_000)
        }
    }
}

extension WorkerProgress {
    /// What the worker of a folder last said; nil before its first word.
    static func read(_ folder: String) -> WorkerProgress? {
        guard let said = WorkerRun.progress(in: folder) else { return nil }
        let seconds = { (value: Double) in value.isFinite ? max(0, value) : 0 }
        return WorkerProgress(
            fraction: min(1, seconds(said.fraction)),
            used: Usage(
                cpuSeconds: seconds(said.cpuSeconds), wallSeconds: seconds(said.wallSeconds),
                kernelSeconds: seconds(said.kernelSeconds)),
            peakMemoryBytes: Int64(clamping: said.peakMemoryBytes))
    }
}
