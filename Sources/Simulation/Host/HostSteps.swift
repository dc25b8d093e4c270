import ClientCore
import Domain
import Wire

/// The client's loop: events in, actions out, in the order that `ClientLoop` keeps.
extension SimHost {
    /// One input to the machine. Counts as an event of the simulation.
    func feed(_ event: ClientEvent) {
        world.stepped()
        let actions = machine.handle(event, now: localNow, random: draws.unit())
        world.note(.input, who: place, SimHost.code(event), Int64(actions.count), "\(SimHost.word(event))")
        if actions.isEmpty && queue.isEmpty {
            // Waits begin with something that happened; that time passes begins none.
            switch event {
            case .tick, .workerProgressed, .probed, .memoryRead: return
            default: return replanWake()
            }
        }
        for action in queue.add(actions) { perform(action) }
        for task in queue.withdrawStarts(unless: { machine.isStartWanted($0) }) { feed(.startWithdrawn(task)) }
        goOn()
        if isUp { replanWake() }
    }

    /// Goes on with what waits, as far as the disk lets it.
    func goOn() {
        while isUp, errand == nil, world.now >= diskRetryAt, let action = queue.next() {
            if action.usesDisk, let work = work(action) {
                begin(work)
            } else {
                perform(action)
                _ = queue.ended(failed: false)
            }
        }
    }

    // MARK: Disk

    private func begin(_ work: DiskErrand.Work) {
        var errand = DiskErrand(work: work, isApplied: true, isReported: false)
        if world.has(.disk), draws.chance(oneIn: 30) {
            errand.isApplied = draws.chance(oneIn: 2)
            errand.isReported = true
        }
        self.errand = errand
        let wait = draws.whole(1...20)
        // Aimed: by chance alone hardly a death would come in the middle of a write.
        if world.has(.clientDeath), draws.chance(oneIn: 80) {
            world.plan(.power(host: place, .kill), after: draws.whole(0...wait - 1))
        }
        world.plan(.disk(host: place, life: life), after: wait)
    }

    /// - Returns: nil for what takes no time here. A simulated worker is there at once; what one is told that is just
    ///   being
    ///   started is tested with real ones (`WorkerNurseryTests`).
    private func work(_ action: ClientAction) -> DiskErrand.Work? {
        switch action {
        case .storeTask(let offer, let unit): return .storeTask(offer, unit: unit)
        case .save:
            guard world.options.isThorough, let bytes = try? StateFile.encode(machine.state) else {
                return .save(.value(machine.state))
            }
            return .save(.bytes(bytes))
        case .dropTask(let task): return .dropTask(task)
        case .dropBlob(let digest): return .dropBlob(digest)
        case .keepBlobs(let digests): return .keepBlobs(digests)
        case .keepReceipts: return .keepReceipts
        default: return nil
        }
    }

    func apply(_ errand: DiskErrand) {
        if case .dropTask(let task) = errand.work, let result = disk.slots[task]?.result {
            world.see(.dropped(host: place, task, result.summary.digest))
        }
        errand.apply(to: &disk)
    }

    func diskDone() {
        guard let errand else { return }
        self.errand = nil
        world.note(.disk, who: place, errand.code, errand.isReported ? 1 : 0, "")
        if errand.isApplied { apply(errand) }
        if queue.ended(failed: errand.isReported), errand.isReported {
            diskRetryAt = world.now + 2000
            world.plan(.wake(host: place, life: life), after: 2000)
        }
        goOn()
        if isUp { replanWake() }
    }

    // MARK: Actions

    func perform(_ action: ClientAction) {
        switch action {
        case .call(let call): self.call(call)
        case .fetchUnit(let task, let digest, let bytes):
            send(.blob(digest, limit: Int(clamping: max(bytes, 1))), as: .unit(task))
        case .fetchBlob(let input):
            send(.blob(input.digest, limit: Int(clamping: input.size ?? 1 << 20)), as: .blob(input.digest))
        case .upload(let task, let result, let ticket): upload(task, result, ticket)
        case .startWorker(let task): startWorker(task)
        case .suspendWorker(let task): suspend(task)
        case .resumeWorker(let task): resume(task)
        case .stopWorker(let task): stopWorker(task)
        case .killWorker(let task): killWorker(task)
        // Simulated workers have no rate of their own; what the allowance decides is tested in ClientCoreTests.
        // Simulated projects have no programs.
        case .limitWorkers, .findProgram, .say: break
        case .exit: leave()
        case .storeTask, .save, .keepReceipts, .dropTask, .dropBlob, .keepBlobs: break
        }
    }

    // MARK: By the clock

    /// The loop's chores: once a second while something runs or somebody is watched, rarely while all is quiet. The
    /// machine looks at what should be going on at every event, so a longer pause changes nothing but the pace.
    func chores() {
        let isBusy = !runs.isEmpty || traits.hasUser && !machine.state.tasks.isEmpty
        lastChores = world.now
        if traits.hasUser { probe() }
        for task in runs.keys.sorted() {
            guard isUp, let run = runs[task] else { continue }
            feed(.workerProgressed(task, run.progress(at: world.now)))
        }
        guard isUp else { return }
        feed(.tick)
        guard isUp else { return }
        world.plan(.chores(host: place, life: life), after: isBusy ? 1000 : 60_000)
    }

    /// A simulated machine has one source of input.
    private static let missingSources = ProbeKind.allCases.filter { $0.isInput && $0 != .userInput }

    /// Readings of keyboard and load; somebody comes every hour or so, and stays for minutes.
    private func probe() {
        if draws.chance(oneIn: isUserHere ? 400 : 4000) { isUserHere.toggle() }
        let idle: Int64 = isUserHere ? 500 : 3_600_000
        feed(
            .probed(
                [
                    ProbeReading(kind: .userInput, value: .idle(milliseconds: idle), at: localNow),
                    ProbeReading(kind: .otherLoad, value: .busy(cores: isUserHere ? 0.5 : 0), at: localNow),
                ] + Self.missingSources.map { ProbeReading(kind: $0, value: .unavailable("simulated"), at: localNow) }))
    }

    /// Plans a look at what the machine says will be due.
    func replanWake() {
        guard let due = machine.wakeAt else { return }
        let wait = max(1, (due - localNow).milliseconds + 1)
        let at = world.now + wait
        // Chores come anyway; an earlier plan stands.
        guard at < plannedWake || plannedWake <= world.now else { return }
        plannedWake = at
        world.plan(.wake(host: place, life: life), after: wait)
    }

    func wake() {
        plannedWake = .max
        guard disk.identity != nil else { return register() }
        if world.now >= diskRetryAt { goOn() }
        if isUp, let due = machine.wakeAt, due <= localNow { feed(.tick) } else { replanWake() }
    }
}

extension SimHost {
    /// For the trace: the kinds of inputs in a fixed order.
    static func code(_ event: ClientEvent) -> Int64 {
        switch event {
        case .started: 1
        case .tick: 2
        case .probed: 3
        case .callAnswered: 4
        case .callFailed: 5
        case .unitFetched: 6
        case .unitFetchFailed: 7
        case .blobFetched: 8
        case .blobFetchFailed: 9
        case .workerStarted: 10
        case .workerNotStarted: 11
        case .startWithdrawn: 12
        case .workerProgressed: 13
        case .diskBoundPassed: 14
        case .workerEnded: 15
        case .uploaded: 16
        case .uploadFailed: 17
        case .resultDamaged: 18
        case .stopRequested: 19
        case .settingsChanged: 20
        case .utcOffset: 21
        case .networkUsed: 22
        case .diskMeasured: 23
        case .memoryRead: 24
        case .userPaused: 25
        case .userResumed: 26
        case .finishRequested: 27
        case .finishWithdrawn: 28
        case .newWorkAllowed: 29
        case .taskSuspended: 30
        case .taskResumed: 31
        case .taskAborted: 32
        case .failuresForgiven: 33
        case .granted: 34
        case .programAnswered: 35
        case .programDoubted: 36
        }
    }

    static func word(_ event: ClientEvent) -> String {
        switch event {
        case .started(let slots, _): "started, \(slots.count) folders"
        case .tick: "tick"
        case .probed: "probed"
        case .memoryRead(let reading): "\(reading.availableBytes >> 20) MiB are available"
        case .callAnswered(let reply): "reply with \(reply.tasks.count) tasks, \(reply.abortTasks.count) to drop"
        case .callFailed(let failure): "call failed: \(failure)"
        case .unitFetched(let task, _): "unit of task \(task) fetched"
        case .unitFetchFailed(let task, let why): "unit of task \(task) not fetched: \(why.message)"
        case .blobFetched: "input fetched"
        case .blobFetchFailed(_, let why): "input not fetched: \(why.message)"
        case .programAnswered(let task, _): "releases say what the program of task \(task) is"
        case .programDoubted(let task): "the program of task \(task) is not confirmed"
        case .workerStarted(let task): "worker of task \(task) started"
        case .workerNotStarted(let task, _): "worker of task \(task) not started"
        case .startWithdrawn(let task): "start of task \(task) withdrawn"
        case .workerProgressed(let task, _): "progress of task \(task)"
        case .diskBoundPassed(let task, _): "disk bound of task \(task)"
        case .workerEnded(let task, let ending): "worker of task \(task) ended: \(ending.reason)"
        case .uploaded(let task): "task \(task) uploaded"
        case .uploadFailed(let task, let why): "task \(task) not uploaded: \(why.message)"
        case .resultDamaged(let task): "result of task \(task) damaged"
        case .stopRequested: "asked to end"
        case .userPaused(let until): "asked to pause" + (until == nil ? "" : " for a while")
        case .userResumed: "asked to resume"
        case .finishRequested: "asked to finish"
        case .finishWithdrawn: "asked not to finish"
        case .newWorkAllowed(let isAllowed): isAllowed ? "allowed new work" : "allowed no new work"
        case .taskSuspended(let task): "asked to suspend task \(task)"
        case .taskResumed(let task): "asked to resume task \(task)"
        case .taskAborted(let task, _): "asked to give task \(task) back"
        case .failuresForgiven: "forgiven its failures"
        case .settingsChanged: "preferences changed"
        case .utcOffset(let seconds): "local time is UTC \(seconds < 0 ? "-" : "+") \(abs(seconds)) s"
        case .networkUsed(let usage): "\(usage.bytes) bytes moved today"
        case .diskMeasured(let free, _): "\(free) bytes of disk free"
        case .granted(let grant): "\(grant.cores) cores granted"
        }
    }
}
