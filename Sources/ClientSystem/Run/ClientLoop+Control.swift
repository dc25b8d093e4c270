import ClientCore
import Domain

/// What the user asks of the running client; see `ControlRequest`.
extension ClientLoop {
    func answer(_ request: ControlRequest, _ answer: ControlSocket.Answer) {
        do throws(Fault) { answer(try perform(request)) } catch {
            answer(ControlReply(error: "\(error)"))
        }
    }

    private func perform(_ request: ControlRequest) throws(Fault) -> ControlReply {
        if request.command == .resume || request.command == .finish && request.withdraw == true, try wake(request) {
            return ControlReply(done: "resumed; it is taken up again")
        }
        let sessions = try named(request.project)
        func tell(_ events: ClientEvent...) {
            for event in events { for session in sessions { session.feed(event) } }
        }
        switch request.command {
        case .status: return ControlReply(done: nil, status: status())
        case .preferences: return preferencesReply()
        case .page: return try openPage()
        case .pause:
            let until = request.seconds.map { Self.now + TimeSpan(seconds: $0) }
            if request.project == nil { pausedAll = UserWishes.Pause(since: Self.now, until: until) }
            tell(.userPaused(until: until))
            return ControlReply(
                done: request.seconds.map { "paused for \(StatusText.duration($0)); `resume` ends it sooner" }
                    ?? "paused until `resume`")
        case .resume:
            if request.project == nil { pausedAll = nil }
            tell(.userResumed, .finishWithdrawn, .failuresForgiven)
            return ControlReply(done: "resumed; `status` says whether anything else stands against computing")
        case .finish where request.withdraw == true:
            tell(.finishWithdrawn)
            return ControlReply(done: "it goes on")
        case .finish:
            tell(.finishRequested)
            return ControlReply(done: "it finishes what it has begun, gives back the rest, and ends")
        case .newWork:
            let isAllowed = request.allowed == true
            tell(.newWorkAllowed(isAllowed))
            return ControlReply(done: isAllowed ? "it asks for new work" : "it asks for no new work")
        case .suspendTask, .resumeTask, .abortTask: return try perform(request, sessions)
        case .forgive:
            tell(.failuresForgiven)
            return ControlReply(done: "failed tasks are forgotten")
        case .stop:
            stopper()
            return ControlReply(done: "it ends; what was begun goes on at the next run")
        }
    }

    private func perform(_ request: ControlRequest, _ sessions: [ProjectSession]) throws(Fault) -> ControlReply {
        let text = request.task ?? ""
        let found = sessions.compactMap { session in
            session.machine.state.tasks.first { $0.id.description == text }.map { (session, $0) }
        }
        guard let (session, task) = found.first else { throw Fault(.negative, "there is no task \(text)") }
        guard found.count == 1 else {
            let names = found.map(\.0.name).joined(separator: ", ")
            throw Fault(.usage, "several projects have a task \(text): \(names)", advice: "Say which project.")
        }
        guard !task.stage.isOver || request.command == .resumeTask else {
            throw Fault(.negative, "task \(text) is over; it is reported at the next call")
        }
        switch request.command {
        case .suspendTask: session.feed(.taskSuspended(task.id))
        case .resumeTask: session.feed(.taskResumed(task.id))
        default: session.feed(.taskAborted(task.id, reason: request.reason ?? ""))
        }
        let words =
            switch request.command {
            case .suspendTask: "is suspended"
            case .resumeTask: "goes on when it is its turn"
            default: "is given back"
            }
        return ControlReply(done: "task \(text) \(words)")
    }

    /// Takes up again what has ended since it had nothing left to do.
    ///
    /// - Returns: whether nothing else is meant.
    private func wake(_ request: ControlRequest) throws(Fault) -> Bool {
        closeEnded()
        let name = try request.project.map { project throws(Fault) in
            try ProjectNames.find(project, in: directory.path)
        }
        return desk.wake(name) && name != nil
    }

    /// The session of a project that is named, or all of them.
    private func named(_ project: String?) throws(Fault) -> [ProjectSession] {
        guard let project else { return desk.inOrder }
        let name = try ProjectNames.find(project, in: directory.path)
        guard let session = desk.inOrder.first(where: { $0.name == name }) else {
            throw Fault(.negative, "this client does not work for \(name) now")
        }
        return [session]
    }
}
