import Bytes
import ClientCore
import Domain
import FoundationEssentials
import ServerCore
import Wire

/// A volunteer's computer with the real `ClientMachine` on it.
///
/// The disk survives; the machine, the queue of actions, workers and calls die with the process.
final class SimHost {
    unowned let world: World
    let place: Int
    let kind: PopulationKind
    var behaviour: any Behaviour
    let traits: HostTraits
    let key: SigningKey
    let volunteer: String
    var draws: Draws
    var disk = SimDisk()
    let settings: ClientSettings

    // The clock of the machine.
    var clockOffset: Int64

    // Lost with the process.
    var isUp = false
    var life = 0
    var machine: ClientMachine
    var queue = ActionQueue()
    var errand: DiskErrand?
    var diskRetryAt: Int64 = 0
    var runs: [TaskID: SimRun] = [:]
    var calls: [Int: Call] = [:]
    var plannedWake = Int64.max
    var lastChores: Int64 = 0
    var isUserHere = false
    /// Receipts that have reached this host and end a task.
    var receipts: Set<TaskID> = []

    var callsMade = 0
    var runsMade = 0

    /// What a call was about.
    enum Call {
        case register
        case scheduler
        case unit(TaskID)
        case blob(Digest)
        case upload(UploadInProgress)
    }

    init(world: World, place: Int, kind: PopulationKind, number: Int) {
        self.world = world
        self.place = place
        self.kind = kind
        let streamNumber = kind.place << 16 | number
        var draws = Draws(seed: world.seed, purpose: 0x05, number: streamNumber)
        behaviour = kind.behaviour(&draws)
        traits = behaviour.traits(&draws)
        clockOffset = traits.clockOffset
        guard let key = SigningKey(rawRepresentation: draws.bytes(SigningKey.byteCount)) else {
            preconditionFailure("32 bytes make a key")
        }
        self.key = key
        volunteer = "\(kind.rawValue) \(number)"
        let profile = HostProfile(
            name: "\(kind.rawValue)-\(number)", platform: "simulated", cpuModel: "", cores: traits.cores,
            memoryBytes: 4 << 30, diskFreeBytes: 100 << 30,
            benchmarkFlopsPerSecond: SimulatedApp.nominalSpeed * traits.speed, clientVersion: "simulated")
        var settings = ClientSettings(cores: traits.cores, apps: SimulatedApp.apps, profile: profile)
        settings.idle.always = !traits.hasUser
        settings.bufferSeconds = world.options.plant == .overFetches ? 36_000 : OverFetchChecker.bufferSeconds
        self.settings = settings
        let nobody = ClientState.Attachment(
            serverURL: "", site: "", projectKey: [], host: HostID(rawValue: 0), volunteerName: volunteer)
        machine = ClientMachine(
            state: ClientState(attachment: nobody), settings: settings, machineCores: traits.cores,
            now: Timestamp(milliseconds: 0))
        self.draws = draws
    }

    /// The number that the server has given; nil before it has.
    var hostID: HostID? { disk.identity?.host }

    /// The time that this machine believes it is.
    var localNow: Timestamp {
        Timestamp(
            milliseconds: SimServer.epoch + world.now + clockOffset + world.now * traits.driftPPM / 1_000_000)
    }

    // MARK: Life and death

    func switchOn() {
        guard !isUp else { return }
        isUp = true
        life += 1
        world.note(.power, who: place, 1, Int64(life), "starts")
        queue = ActionQueue()
        errand = nil
        diskRetryAt = 0
        runs = [:]
        calls = [:]
        plannedWake = .max
        planFate()
        if let state = disk.loadState() { start(state) } else { register() }
    }

    private func start(_ state: ClientState) {
        machine = ClientMachine(state: state, settings: settings, machineCores: traits.cores, now: localNow)
        feed(.started(slots: disk.findings(), blobs: disk.blobs.sorted()))
        lastChores = world.now
        world.plan(.chores(host: place, life: life), after: 1)
    }

    /// What will happen to this process, drawn at its start.
    private func planFate() {
        if world.has(.clientDeath) { world.plan(.power(host: place, .kill), after: draws.wait(mean: 1_500_000)) }
        if let session = traits.session { world.plan(.power(host: place, .off), after: draws.wait(mean: session.on)) }
    }

    /// The process dies where it stands: a write that is under way may be done, not done, or half done.
    func die() {
        guard isUp else { return }
        if let errand {
            if world.has(.torn), draws.chance(oneIn: 2) {
                errand.tear(&disk)
            } else if draws.chance(oneIn: 2) {
                apply(errand)
            }
        }
        // Checkpoints are a minute old at most; what came since is computed again.
        for (task, run) in runs.sorted(by: { $0.key < $1.key }) { checkpoint(task, run, lost: draws.whole(0...60_000)) }
        isUp = false
        life += 1
        world.note(.power, who: place, 0, Int64(life), "dies")
        world.see(.clientDied(place))
    }

    /// - Parameter lost: milliseconds of computing since the last checkpoint.
    func checkpoint(_ task: TaskID, _ run: SimRun, lost: Int64) {
        guard disk.slots[task] != nil else { return }
        var kept = run
        kept.done = max(0, run.ran(at: world.now) - lost)
        kept.since = nil
        disk.slots[task]?.progress = kept.progress(at: world.now)
    }

    func change(_ change: PowerChange) {
        switch change {
        case .on, .restart: switchOn()
        case .off:
            guard isUp else { return }
            world.note(.power, who: place, 2, 0, "shuts down")
            if disk.identity != nil { feed(.stopRequested) } else { leave() }
        case .kill:
            guard isUp, world.has(.clientDeath) else { return }
            die()
            world.plan(.power(host: place, .restart), after: draws.wait(mean: 30_000))
        case .clockJump:
            clockOffset += draws.whole(-4 * 3_600_000...4 * 3_600_000)
            world.note(.clock, who: place, clockOffset, 0, "jumps to \(clockOffset)")
            if isUp { replanWake() }
            if world.has(.clocks) { world.plan(.power(host: place, .clockJump), after: draws.wait(mean: 1_200_000)) }
        }
    }

    /// The client has ended in order; the machine goes off, or the client was told to leave for another reason.
    func leave() {
        isUp = false
        life += 1
        world.note(.power, who: place, 3, Int64(life), "has left")
        world.plan(.power(host: place, .on), after: draws.wait(mean: traits.session?.off ?? 60_000))
    }

    // MARK: Joining

    func register() {
        var request = WireRegisterRequest()
        request.publicKey = Data(key.publicKey.rawRepresentation)
        request.volunteerName = volunteer
        request.profile = WireHostProfileMessage(settings.profile)
        guard let body = try? StrictDecode.bytes(of: request) else { return }
        let signed = RequestSignature.message(method: "POST", path: "/v1/register", sequence: 0, body: body)
        send(.register(request, signature: key.sign(signed)), as: .register)
    }

    func registered(_ reply: WireRegisterReply) {
        let identity = ClientState.Attachment(
            serverURL: "simulated", site: "Simulation",
            projectKey: world.server.core.keys.project.publicKey.rawRepresentation,
            host: HostID(rawValue: Int64(reply.hostID)), volunteerName: volunteer)
        disk.identity = identity
        start(disk.loadState() ?? ClientState(attachment: identity))
    }
}
