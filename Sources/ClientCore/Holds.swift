import Domain

extension ClientStatus {
    /// What keeps the client from computing, or from fetching work, by the user's wish or by its own rules.
    public struct Hold: Hashable, Sendable, Codable {
        public enum Code: String, Hashable, Sendable, Codable, CaseIterable {
            /// Nothing is computed: the user paused the client.
            case paused
            // No work is fetched.
            case noNewWork, finishing, failures, roundGiven, closing
        }

        public var code: Code
        /// For example `you paused the client`.
        public var reason: String
        public var sinceMs: Int64?
        /// What would have to change.
        public var until: String
        /// When it ends by itself; nil: it does not.
        public var untilMs: Int64?

        package init(code: Code, reason: String, sinceMs: Int64? = nil, until: String, untilMs: Int64? = nil) {
            self.code = code
            self.reason = reason
            self.sinceMs = sinceMs
            self.until = until
            self.untilMs = untilMs
        }
    }
}

extension ClientMachine {
    /// All that holds at this moment, what concerns computing first.
    var holds: [ClientStatus.Hold] {
        let wishes = state.wishes
        var holds: [ClientStatus.Hold] = []
        func add(
            _ code: ClientStatus.Hold.Code, _ reason: String, _ since: Timestamp?, _ until: String, at: Timestamp? = nil
        ) {
            holds.append(
                ClientStatus.Hold(
                    code: code, reason: reason, sinceMs: since?.milliseconds, until: until, untilMs: at?.milliseconds))
        }
        if let pause = wishes.pause {
            let reason = pause.isFromStart ? "it was to start paused" : "you paused the client"
            let until = pause.until == nil ? "you resume it" : "the pause is over, or you resume it"
            add(.paused, reason, pause.since, until, at: pause.until)
        }
        if let since = wishes.finishingSince {
            add(.finishing, "you let the client end when what is begun is finished", since, "you withdraw that")
        }
        if let since = wishes.noNewWorkSince {
            add(.noNewWork, "you want no new work of this project", since, "you allow it")
        }
        if let pause = state.failurePause, lastSeen < pause.until {
            add(
                .failures, "\(pause.failures) tasks failed here one after the other, the last one: \(pause.reason)",
                pause.since, "the wait is over and a task succeeds, or you say that the cause is gone", at: pause.until)
        }
        if settings.once, roundIsGiven {
            add(.roundGiven, "this client computes one round", nil, "it is started again")
        }
        if let closesAt, lastSeen >= closesAt {
            add(.closing, "the time of this client is over", closesAt, "it is started again", at: endsAt)
        }
        return holds
    }
}
