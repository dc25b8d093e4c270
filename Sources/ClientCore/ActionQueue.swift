import Domain

/// What the machine decided and is not done yet, in order: one action at a time, so that what rests on the disk never
/// overtakes it. What needs no disk does not come in here; see `ClientAction.Standing`.
public struct ActionQueue: Sendable {
    private var waiting: [ClientAction] = []
    /// Whether the first of them is being done.
    private var isBusy = false

    public init() {}

    /// Takes new decisions in.
    ///
    /// - Returns: those to be done now, whatever waits.
    public mutating func add(_ actions: [ClientAction]) -> [ClientAction] {
        waiting += actions.filter { $0.standing != .atOnce }
        return actions.filter { $0.standing == .atOnce }
    }

    /// Takes starts out that have not begun. A worker whose client was told to leave while the disk was full must not
    /// begin when there is space again.
    ///
    /// - Returns: the tasks whose start was taken out.
    public mutating func withdrawStarts(unless isWanted: (TaskID) -> Bool) -> [TaskID] {
        var withdrawn: [TaskID] = []
        var kept: [ClientAction] = []
        for (at, action) in waiting.enumerated() {
            if case .startWorker(let task) = action, !(isBusy && at == 0), !isWanted(task) {
                withdrawn.append(task)
            } else {
                kept.append(action)
            }
        }
        waiting = kept
        return withdrawn
    }

    /// What is to be done next; its end must be told by `ended`. nil: nothing waits, or one is being done.
    public mutating func next() -> ClientAction? {
        guard !isBusy, let action = waiting.first else { return nil }
        isBusy = true
        return action
    }

    /// The action of `next` has ended.
    ///
    /// - Returns: whether it must be tried again; false: it is done, or is passed over.
    public mutating func ended(failed: Bool) -> Bool {
        guard isBusy, let action = waiting.first else { return false }
        isBusy = false
        // On the way out nothing waits for a disk: what is there already is enough to go on from.
        if failed, action.standing != .dispensable, !waiting.contains(where: \.isExit) { return true }
        waiting.removeFirst()
        return false
    }

    /// Whether something could be begun now.
    public var isReady: Bool { !isBusy && !waiting.isEmpty }
    public var isEmpty: Bool { waiting.isEmpty }
}
