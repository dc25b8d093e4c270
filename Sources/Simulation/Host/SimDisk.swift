import ClientCore
import Domain

/// What of a client survives its process: its identity, its state file, the folders of its tasks, its cache.
struct SimDisk {
    /// A task's folder.
    struct Slot {
        var offer: Offer?
        var unit: [UInt8]?
        /// Appears whole or not at all: the worker renames it into place.
        var result: ResultBytes?
        /// The worker's last checkpoint.
        var progress: WorkerProgress?
    }

    /// The state file. As bytes only where the options ask for it: JSON costs more than everything else together.
    enum StateCopy {
        case none
        case value(ClientState)
        case bytes([UInt8])
    }

    var identity: ClientState.Attachment?
    var state = StateCopy.none
    var slots: [TaskID: Slot] = [:]
    var blobs: Set<Digest> = []

    /// What the next process reads. A damaged file is set aside, the tasks are found in their folders.
    func loadState() -> ClientState? {
        guard let identity else { return nil }
        var state: ClientState
        switch self.state {
        case .none: state = ClientState(attachment: identity)
        case .value(let kept): state = kept
        case .bytes(let bytes):
            do throws(Fault) { state = try StateFile.decode(bytes) } catch {
                state = ClientState(attachment: identity)
            }
        }
        state.attachment = identity
        return state
    }

    /// Half of a state file.
    mutating func tearState() {
        switch state {
        case .none: break
        case .value: state = .none
        case .bytes(let bytes): state = .bytes(Array(bytes.prefix(bytes.count / 2)))
        }
    }

    /// What the shell finds in the folders at a start.
    func findings() -> [SlotFinding] {
        slots.keys.sorted().map { task in
            let slot = slots[task]
            return SlotFinding(
                task: task, offer: slot?.offer, unit: slot?.unit,
                result: slot?.result.map { SimDisk.summary($0) }, used: slot?.progress?.used ?? Usage(),
                fraction: slot?.progress?.fraction)
        }
    }

    static func summary(_ result: ResultBytes) -> ResultSummary {
        ResultSummary(
            digest: result.summary.digest, bytes: Int64(result.bytes.count), fingerprint: "simulated")
    }
}

/// A write that is under way: what, and how it will go.
struct DiskErrand {
    enum Work {
        case storeTask(Offer, unit: [UInt8])
        case save(SimDisk.StateCopy)
        case dropTask(TaskID)
        case dropBlob(Digest)
        case keepBlobs([Digest])
        case keepReceipts
    }

    var work: Work
    var isApplied: Bool
    var isReported: Bool

    var code: Int64 {
        switch work {
        case .storeTask: 1
        case .save: 2
        case .dropTask: 3
        case .dropBlob: 4
        case .keepBlobs: 5
        case .keepReceipts: 6
        }
    }

    func apply(to disk: inout SimDisk) {
        switch work {
        case .storeTask(let offer, let unit):
            disk.slots[offer.task, default: SimDisk.Slot()].offer = offer
            disk.slots[offer.task]?.unit = unit
        case .save(let state): disk.state = state
        case .dropTask(let task): disk.slots[task] = nil
        case .dropBlob(let digest): disk.blobs.remove(digest)
        case .keepBlobs(let kept): disk.blobs.formIntersection(kept)
        case .keepReceipts: break
        }
    }

    /// What a death in the middle leaves. Files are written beside and renamed, so that only the state file, which is
    /// the largest and written most often, is ever seen torn here; the folder of a task may lack its offer.
    func tear(_ disk: inout SimDisk) {
        switch work {
        case .storeTask(let offer, let unit):
            // The unit is written first.
            disk.slots[offer.task, default: SimDisk.Slot()].unit = unit
        case .save: disk.tearState()
        case .dropTask(let task):
            // A folder is emptied file by file.
            disk.slots[task]?.offer = nil
            disk.slots[task]?.unit = nil
        case .dropBlob, .keepBlobs, .keepReceipts: break
        }
    }
}
