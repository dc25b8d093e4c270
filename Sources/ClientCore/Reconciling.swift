import Domain
import Wire

/// After a start: what the state says against what lies on disk.
extension ClientMachine {
    /// A crash may have come at any instruction, so for every task the disk has the last word:
    /// a complete result means finished, a container means ready, a folder without a task is taken back by its offer.
    mutating func reconcile(
        _ slots: [SlotFinding], _ present: [Digest], _ now: Timestamp, _ out: inout Outbox
    ) {
        for digest in present {
            blobs[digest] = .present
            blobNeededAt[digest] = now
        }
        for slot in slots {
            if state[task: slot.task] == nil {
                guard let offer = slot.offer, offer.task == slot.task, slot.unit != nil else {
                    out.add(.dropTask(slot.task))
                    continue
                }
                // Either the state was lost, or a receipt came and the folder was not removed yet: the server knows.
                state[task: slot.task] = HeldTask(offer: offer)
                needsSave = true
                out.say("task \(slot.task) was found in its folder and is taken up")
            }
            takeUp(slot, &out)
        }
        for task in state.tasks where !slots.contains(where: { $0.task == task.id }) {
            switch task.stage {
            case .offered, .failed: break
            case .ready: update(task.id) { $0.stage = .offered }
            case .finished:
                update(task.id) { task in
                    task.stage = .failed(code: .workerFailed, message: "the task's folder was removed on the host")
                }
            }
        }
    }

    private mutating func takeUp(_ slot: SlotFinding, _ out: inout Outbox) {
        guard let task = state[task: slot.task], !task.stage.isOver else {
            // Its report would be left out of every call, for ever.
            if slot.result == nil, !slot.isResultUnread { resultDamaged(slot.task, &out) }
            return
        }
        if let unit = slot.unit { verify(slot.task, unit, stored: true, &out) }
        guard let verified = state[task: slot.task], case .ready = verified.stage else { return }
        update(slot.task) {
            $0.used = slot.used
            $0.fraction = slot.fraction
        }
        if let result = slot.result { settle(slot.task, result: result, &out) }
    }
}
