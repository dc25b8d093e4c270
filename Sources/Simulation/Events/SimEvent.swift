import ClientCore
import Domain
import ServerCore
import Wire

/// What is planned. `life` counts the starts of a process: what was planned for a dead one does not happen.
enum SimEvent {
    // Of a host.
    /// The client's chores, once a second while there is something to watch.
    case chores(host: Int, life: Int)
    case wake(host: Int, life: Int)
    case input(host: Int, life: Int, ClientEvent)
    /// The disk has done what it was asked.
    case disk(host: Int, life: Int)
    /// A worker comes to an end by itself; `run` counts the plans of this kind.
    case worker(host: Int, life: Int, TaskID, run: Int)
    case power(host: Int, PowerChange)
    case answer(host: Int, life: Int, call: Int, Answer)

    // Of the server.
    case arrive(Request)
    case writer(life: Int)
    case serverTick(life: Int, number: Int)
    case jobEnd(life: Int, ServerJob, JobResult)
    case serverDeath
    case serverBoot

    /// All faults end; what must go on now goes on.
    case heal
}

/// What happens to a machine from outside.
enum PowerChange: Int {
    case on = 1
    /// The system shuts down in order: the client is asked to end.
    case off
    /// The process dies where it stands.
    case kill
    case clockJump
    /// A client that ended is started again.
    case restart
}

/// What a host sends to the server.
final class Request {
    enum Body {
        case register(WireRegisterRequest, signature: [UInt8])
        case scheduler(WireSchedulerRequest, sequence: Int64)
        case blob(Digest, limit: Int)
        case uploadHead(ticket: String, Digest)
        case uploadPatch(ticket: String, Digest, offset: Int64, length: Int64, chunk: [UInt8])
    }

    let host: Int
    let life: Int
    /// What the host's answer is matched by.
    let call: Int
    let body: Body
    /// Ed25519 signature of the body; empty where the options leave requests unsigned.
    let signature: [UInt8]
    /// Set when the server has answered or died over it.
    var isDone = false

    init(host: Int, life: Int, call: Int, body: Body, signature: [UInt8] = []) {
        self.host = host
        self.life = life
        self.call = call
        self.body = body
        self.signature = signature
    }

    /// The same bytes once more, for a network that doubles.
    func copy() -> Request { Request(host: host, life: life, call: call, body: body, signature: signature) }

    var code: Int64 {
        switch body {
        case .register: 1
        case .scheduler: 2
        case .blob: 3
        case .uploadHead: 4
        case .uploadPatch: 5
        }
    }
}

/// What comes back.
enum Answer {
    case registered(WireRegisterReply)
    case scheduled(WireSchedulerReply)
    case bytes([UInt8])
    /// An offset, and whether the upload is whole.
    case uploaded(Int64, isWhole: Bool)
    case refused(RequestRefusal)
    /// The connection broke, or nobody answered in time.
    case broken

    var code: Int64 {
        switch self {
        case .registered: 1
        case .scheduled: 2
        case .bytes: 3
        case .uploaded: 4
        case .refused: 5
        case .broken: 6
        }
    }
}
