import Domain

// The words for states on pages, in reports and in JSON.

extension BatchState {
    public var word: String {
        switch self {
        case .running: "running"
        case .assembling: "assembling"
        case .finished: "finished"
        case .failed: "failed"
        case .cancelled: "cancelled"
        }
    }

    public var reason: String {
        if case .failed(let reason) = self { reason } else { "" }
    }
}

extension WorkUnitState {
    public var word: String {
        switch self {
        case .ready: "ready"
        case .active: "active"
        case .comparing: "comparing"
        case .provisional: "provisional"
        case .validated: "validated"
        case .assembled: "assembled"
        case .purged: "purged"
        case .failed(let reason): "failed: \(reason.text)"
        case .cancelled: "cancelled"
        }
    }
}

extension FailureReason {
    public var text: String {
        switch self {
        case .tooManyErrors: "too many errors"
        case .noAgreement: "no agreement"
        case .unusable(let why): "unusable: \(why)"
        }
    }
}

extension TaskState {
    public var word: String {
        switch self {
        case .unsent: "unsent"
        case .sent: "sent"
        case .reported: "reported"
        case .decided(_, _, let verdict): verdict.outcome.word
        case .failed: "failed"
        case .expired: "expired"
        case .aborted: "aborted"
        case .notNeeded: "not needed"
        }
    }
}

extension Verdict.Outcome {
    public var word: String {
        switch self {
        case .valid: "valid"
        case .invalid: "invalid"
        case .inconclusive: "inconclusive"
        case .tooLate: "too late"
        }
    }
}

extension TaskErrorCode {
    public var text: String {
        switch self {
        case .badWorkUnit: "bad work unit"
        case .badInput: "bad input"
        case .workerFailed: "worker failed"
        case .overLimit: "over its limit"
        case .givenBack: "given back"
        case .unknownApp: "app not known"
        }
    }
}

extension LedgerKind {
    public var word: String {
        switch self {
        case .grant: "grant"
        case .hold: "hold"
        case .release: "release"
        case .void: "void"
        }
    }
}
