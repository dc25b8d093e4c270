import Bytes
import Domain
import Engine
import Preferences
import Wire

/// The client's decisions: state and event in, changes and actions out. No clock, no randomness, no files.
///
/// What must survive a crash is in `state`; everything else here is rebuilt after a start from what lies on disk. After
/// every event the machine looks at what should be going on and is not (level-triggered), so that a lost event costs
/// time, never work.
public struct ClientMachine: Sendable {
    public internal(set) var state: ClientState
    public internal(set) var settings: ClientSettings
    public internal(set) var policy: IdlePolicy

    /// Tasks whose worker lives, or is being started.
    var runs: [TaskID: Run] = [:]
    /// The share of a core that workers were last told.
    var toldCPUPercent = 100
    /// Of the whole machine.
    let machineCores: Int
    /// The last measurement of the disk.
    var disk: (free: Int64, used: Int64)?
    /// Restarts after a crash that was not the task's doing, as far as is known.
    var restarts: [TaskID: Restarts] = [:]
    var blobs: [Digest: Blob] = [:]
    /// Why those that wait could not be fetched.
    var blobTroubles: [Digest: String] = [:]
    /// When a held task last named a blob.
    var blobNeededAt: [Digest: Timestamp] = [:]
    /// When that was last written down.
    var lastBlobNote: Timestamp
    var lastSweep: Timestamp
    var unitFetches: [TaskID: Transfer] = [:]
    var uploads: [TaskID: Transfer] = [:]
    /// Tasks whose program is being looked up, or is to be again.
    var programLooks: [TaskID: ProgramLook] = [:]
    var call = CallState()
    /// What this project may use of the machine; all of it while it is alone.
    public internal(set) var grant: CoreGrant
    var stopping: Timestamp?
    var exited = false
    /// Why a single round was given up; nil: it was not.
    public internal(set) var gaveUp: String?
    /// Nothing is started before this: the disk is full, or workers cannot be started.
    var startsBlockedUntil: Timestamp?
    var startsBlockedWhy = ""
    var startFailures = 0
    var memory: MemoryGuard
    /// When the client last held a task.
    var lastBusy: Timestamp
    /// When the habits were last saved.
    var habitsSavedAt: Timestamp
    /// What the habits say; made anew when they are noted.
    var outlook: Outlook
    /// When the tasks were last looked through for those that cannot be done, or must come before their turn.
    var lastLook: Timestamp
    /// With a limited time: when it is over.
    var endsAt: Timestamp?
    /// With `settings.once`: whether the round was given.
    var roundIsGiven = false
    /// The draw of the event that is being handled.
    var draw = 0.0
    /// The time of the last event.
    var lastSeen: Timestamp
    /// Set by whatever changes `state` in a way that must not be forgotten.
    var needsSave = false
    /// The last matter that a person should know; shown by `status`.
    public internal(set) var problem: String? {
        // It often has a server's words.
        didSet { problem = problem.map(PrintableText.clean) }
    }

    /// A server's wish to be left alone is kept up to an hour: a wrong header must not silence a client for a day.
    private static let retryAfterMaxSeconds = 3600.0
    static let callBackOff = BackOff(
        minimumSeconds: 1, maximumSeconds: 300, retryAfterMaxSeconds: retryAfterMaxSeconds)
    static let emptyBackOff = BackOff(minimumSeconds: 1, maximumSeconds: 60)
    static let transferBackOff = BackOff(
        minimumSeconds: 1, maximumSeconds: 600, retryAfterMaxSeconds: retryAfterMaxSeconds)
    static let declineBackOff = BackOff(minimumSeconds: 60, maximumSeconds: 3600)
    static let failureBackOff = BackOff(minimumSeconds: 600, maximumSeconds: 86_400)
    /// Failures in a row from which on the host waits longer before it asks for more.
    static let failuresInRowMax = 5
    static let restartsMax = 2
    /// A clock that goes back by more was set; less is the order of threads.
    static let clockStepSeconds = 5.0

    /// - Parameter machineCores: of the whole machine, for the bound on the load of others.
    /// - Parameter utcOffsetSeconds: local time minus UTC.
    /// - Parameter usage: what was sent and fetched before; nil: it is not known.
    public init(
        state: ClientState, settings: ClientSettings, machineCores: Int, now: Timestamp, utcOffsetSeconds: Int = 0,
        usage: NetworkUsage? = nil
    ) {
        self.state = state
        self.settings = settings
        grant = .all(cores: settings.cores)
        self.machineCores = machineCores
        policy = IdlePolicy(
            settings: settings.idle, cores: machineCores, memoryBytes: settings.profile.memoryBytes, now: now)
        policy.utcOffsetSeconds = utcOffsetSeconds
        policy.usage = usage
        memory = MemoryGuard(settings: settings.memory)
        lastBusy = now
        habitsSavedAt = now
        lastLook = now
        if self.state.habits == nil { self.state.habits = Habits(availability: state.availability) }
        outlook = (self.state.habits ?? Habits()).outlook(always: settings.idle.always)
        endsAt = settings.walltimeSeconds.map { now + TimeSpan(seconds: $0) }
        lastBlobNote = now
        lastSweep = now
        lastSeen = now
    }

    /// Takes one event in.
    ///
    /// - Parameter random: drawn for this event, 0 ..< 1; used for jitter.
    /// - Returns: what to do, in this order.
    public mutating func handle(_ event: ClientEvent, now: Timestamp, random: Double) -> [ClientAction] {
        if (lastSeen - now).seconds > Self.clockStepSeconds { setClockBack(by: now - lastSeen) }
        // The machine slept: what was read before says nothing of who is there now.
        if (now - lastSeen).seconds > settings.idle.forgetSeconds { policy.beginAnew(now) }
        lastSeen = now
        draw = random
        var out = Outbox()
        switch event {
        case .started(let slots, let present):
            // The clock was set back while no client ran.
            if let noted = state.habits?.notedUntil, (noted - now).seconds > Self.clockStepSeconds {
                state.setClockBack(by: now - noted)
            }
            startHabits(now)
            if settings.startsPaused, state.wishes.pause == nil {
                state.wishes.pause = UserWishes.Pause(since: now, until: nil, isFromStart: true)
            }
            reconcile(slots, present, now, &out)
        case .tick: break
        case .probed(let readings): policy.update(readings, now: now)
        case .memoryRead(let reading): memory.take(reading, now: now)
        case .settingsChanged(let preferences): take(preferences)
        case .utcOffset(let seconds): policy.utcOffsetSeconds = seconds
        case .networkUsed(let usage): policy.usage = usage
        case .diskMeasured(let free, let used): noteDisk(free: free, used: used)
        case .callAnswered(let reply): take(reply, now, random, &out)
        case .callFailed(let failure): take(failure, now, random, &out)
        case .unitFetched(let task, let bytes):
            unitFetches[task] = nil
            verify(task, bytes, &out)
        case .unitFetchFailed(let task, let failure): unitFetchFailed(task, failure, now, random, &out)
        case .blobFetched(let digest):
            blobTroubles[digest] = nil
            blobs[digest] = .present
            blobNeededAt[digest] = now
        case .blobFetchFailed(let digest, let failure): blobFetchFailed(digest, failure, now, random, &out)
        case .programAnswered(let task, let answer): take(answer, of: task, now, random, &out)
        case .programDoubted(let task): programDoubted(task, &out)
        case .workerStarted(let task): workerStarted(task, now, &out)
        case .workerNotStarted(let task, let why): workerNotStarted(task, why, now, random, &out)
        case .startWithdrawn(let task): startWithdrawn(task, &out)
        case .workerProgressed(let task, let progress): take(progress, of: task, &out)
        case .diskBoundPassed(let task, let bytes): diskBoundPassed(task, bytes, &out)
        case .workerEnded(let task, let ending): take(ending, of: task, now, random, &out)
        case .uploaded(let task): uploaded(task)
        case .uploadFailed(let task, let failure): uploadFailed(task, failure, now, random)
        case .resultDamaged(let task): resultDamaged(task, &out)
        case .granted(let grant): take(grant)
        case .stopRequested: takeStop(now)
        case .userPaused, .userResumed, .finishRequested, .finishWithdrawn, .newWorkAllowed, .taskSuspended,
            .taskResumed,
            .taskAborted, .failuresForgiven:
            takeWish(event, now, &out)
        }
        pursue(now, &out)
        return finish(&out)
    }

    /// Notes CPU seconds that the client itself has used since the last note.
    public mutating func note(clientCPUSeconds: Double) {
        state.totals.clientCPUSeconds += clientCPUSeconds
    }

    /// When something is due that no event will announce; nil: nothing is.
    public var wakeAt: Timestamp? {
        let transfers =
            unitFetches.values.compactMap(\.notBefore) + uploads.values.compactMap(\.notBefore)
            + programLooks.values.compactMap(\.notBefore)
        let waiting = blobs.values.compactMap { blob -> Timestamp? in
            if case .waiting(let until, _) = blob { until } else { nil }
        }
        let calls = call.inFlight == nil ? [call.notBefore, call.noWorkBefore].compactMap { $0 } : []
        let ends = [startsBlockedUntil, state.wishes.pause?.until, state.failurePause?.until, closesAt].compactMap {
            $0
        }
        return (transfers + waiting + calls + ends).filter { $0 > lastSeen }.min()
    }

    /// Whatever should be going on and is not.
    private mutating func pursue(_ now: Timestamp, _ out: inout Outbox) {
        guard !exited else { return }
        noteHabits(now)
        if !state.tasks.isEmpty { lastBusy = now }
        if let stopping {
            pursueStop(since: stopping, now, &out)
            return
        }
        policy.update([], now: now)
        pursueWishes(now, &out)
        if let closesAt, now >= closesAt {
            pursueClosing(since: closesAt, now, &out)
            return
        }
        let isLookDue = isLookDue(now)
        giveBackHopeless(now, &out)
        if isLookDue { giveBackLate(now, &out) }
        pursuePrograms(now, &out)
        sweepBlobs(now, &out)
        let mayUseNetwork = policy.allowance.mayUseNetwork
        if mayUseNetwork { pursueFetches(now, &out) }
        pursueMemory(now, &out)
        pursueRuns(now, &out)
        if isLookDue { lastLook = now }
        if mayUseNetwork {
            pursueUploads(now, &out)
            pursueCall(now, &out)
        }
        leaveWhenFinished(&out)
        if !exited, let limit = settings.exitWhenIdleSeconds, state.tasks.isEmpty, runs.isEmpty, call.inFlight == nil,
            (now - lastBusy).seconds >= limit
        {
            out.say("nothing to do for \(Int(limit)) s: leaving")
            leave(&out)
        }
    }

    private mutating func pursueStop(since: Timestamp, _ now: Timestamp, _ out: inout Outbox) {
        stopWorkers(since: since, now, &out)
        if runs.isEmpty { leave(&out) }
    }

    /// Asks all workers to write a checkpoint and to go; those that do not are killed in time.
    mutating func stopWorkers(since: Timestamp, _ now: Timestamp, _ out: inout Outbox) {
        for task in runs.keys.sorted() {
            guard var run = runs[task] else { continue }
            if !run.isLeaving {
                run.isLeaving = true
                runs[task] = run
                if run.phase != .starting { out.add(.stopWorker(task)) }
            } else if (now - since).seconds >= settings.stopGraceSeconds, !run.isKilled, run.phase != .starting {
                run.isKilled = true
                runs[task] = run
                out.add(.killWorker(task))
            }
        }
    }

    mutating func leave(_ out: inout Outbox) {
        exited = true
        needsSave = true
        out.last(.exit)
    }

    /// Whether workers may run: the machine is idle by its policy, and the user has not paused the client.
    public var isComputing: Bool { policy.isComputing && state.wishes.pause == nil }

    /// Tasks for which it holds work: of the machine, or of its share with other projects.
    var cores: Int { max(1, grant.isShared ? Int(grant.bufferCores.rounded(.up)) : settings.cores) }

    private mutating func finish(_ out: inout Outbox) -> [ClientAction] {
        defer { needsSave = false }
        if needsSave { habitsSavedAt = lastSeen }
        return out.before + (needsSave ? [.save] : []) + out.after + out.final
    }

    mutating func update(_ id: TaskID, _ change: (inout HeldTask) -> Void) {
        guard var task = state[task: id] else { return }
        change(&task)
        state[task: id] = task
        needsSave = true
    }
}

/// Actions in the making: what must precede the save, what may only follow it, and what ends everything.
struct Outbox {
    var before: [ClientAction] = []
    var after: [ClientAction] = []
    var final: [ClientAction] = []

    mutating func add(_ action: ClientAction) { after.append(action) }
    mutating func first(_ action: ClientAction) { before.append(action) }
    mutating func last(_ action: ClientAction) { final.append(action) }
    /// Often with a server's words: nothing in them may move a cursor or turn a line around.
    mutating func say(_ text: String) { after.append(.say(PrintableText.clean(text))) }
}

/// One run of a worker.
struct Run: Hashable, Sendable {
    enum Phase: Hashable, Sendable {
        case starting
        case computing
        case suspended(since: Timestamp)
    }

    var phase = Phase.starting
    /// It was asked to write a checkpoint and to go.
    var isLeaving = false
    var isKilled = false
    /// Set when it is killed for a bound: the task's failure.
    var overLimit: String?
    /// Set when it is killed since the task is to be given back: the reason.
    var givenBack: String?
    /// Set when the task is to vanish with the run.
    var isAborted = false
    var progress: WorkerProgress?
    var startedAt: Timestamp
}

/// What was tried for a task whose worker did not end as it should.
struct Restarts: Hashable, Sendable {
    /// Foreign signals since the task last came further than ever before.
    var signals = 0
    /// As far as it had come at the last of them, 0 ... 1.
    var fraction = 0.0
    /// Its inputs were fetched once more.
    var isRefetched = false

    /// So much further is progress: what dies at the same place each time is not told apart by the last digits.
    private static let step = 0.01

    mutating func take(signalAt fraction: Double) {
        signals += 1
        self.fraction = max(self.fraction, fraction)
    }

    mutating func note(fraction: Double) {
        if fraction > self.fraction + Self.step { signals = 0 }
    }
}

/// A blob of the shared cache.
enum Blob: Hashable, Sendable {
    case present
    case fetching(failures: Int)
    case waiting(until: Timestamp, failures: Int)
}

/// A download or upload with its attempts.
struct Transfer: Hashable, Sendable {
    var inFlight = false
    var failures = 0
    var notBefore: Timestamp?
    /// Why the last attempt failed.
    var trouble: String?
    /// Of an upload: the ticket that the server refuses.
    var refusedTicket: String?
    /// Of an upload: how often the server said that it lacks the result.
    var timesMissing = 0
}

/// The traffic with the scheduler.
struct CallState: Hashable, Sendable {
    /// The call that is out, by its sequence number and the tasks that it reports.
    var inFlight: InFlight?
    var failures = 0
    /// Since when no call has been answered, however often it was tried.
    var failingSince: Timestamp?
    var staleInRow = 0
    var emptyReplies = 0
    var term = WorkTerm.anyTime
    /// Replies of which no task could be taken.
    var declinedInRow = 0
    /// No call before this, by the server's wish or by back-off.
    var notBefore: Timestamp?
    /// No wish for work before this.
    var noWorkBefore: Timestamp?
    var lastContact: Timestamp?
    var noWorkReasons: [String] = []

    struct InFlight: Hashable, Sendable {
        var reported: [TaskID]
        var wanted: Int
    }
}
