import Domain

/// How the tasks of a unit stand.
struct TaskCensus {
    var unsent = 0
    var sent = 0
    /// Reported, and not looked at yet.
    var pending = 0
    /// Reported, and nothing wrong was found.
    var plausible = 0
    var expired = 0
    /// Put aside while a result stood; taken up again when it is to be computed a second time.
    var spare = 0
    /// Failed tasks and malformed results: what counts towards `maxErrors`. Not those whose host has not the app: that
    /// says nothing about the unit.
    var errors = 0

    /// What may still bring a plausible result by itself.
    var outstanding: Int { unsent + sent + pending }

    init(_ tasks: [TaskRecord]) {
        for task in tasks {
            switch task.state {
            case .unsent: unsent += 1
            case .sent: sent += 1
            case .reported(_, _, .pending): pending += 1
            case .reported: plausible += 1
            case .expired: expired += 1
            case .failed(_, let error): errors += error.code == .givenBack || error.code == .unknownApp ? 0 : 1
            case .decided(_, _, let verdict): errors += verdict.saysMalformed ? 1 : 0
            case .notNeeded: spare += 1
            case .aborted: break
            }
        }
    }
}

extension Verdict {
    /// Whether the check found no result of this kind at all. A refuted claim has a difference and does not count as
    /// an error of the unit: that host lied or miscalculated, and `maxTotal` bounds how often.
    var saysMalformed: Bool { outcome == .invalid && comparedWith == nil && difference == nil }
}

extension WorkUnitTransition {
    /// The places of the results that count towards the quorum, in order of task number.
    var plausiblePlaces: [Int] {
        tasks.indices.filter { at in
            if case .reported(_, _, let check) = tasks[at].state { check != .pending } else { false }
        }
    }

    /// Sees to it that an open unit waits for something that will come, or ends it.
    ///
    /// A unit in state comparing waits for the validator, a provisional one for its window. In state active, either
    /// fewer results than the quorum are plausible, or they were compared without a decision; then one more is needed
    /// than there are.
    mutating func settle() {
        guard isOpen, unit.state != .comparing, unit.state.provisional == nil else { return }
        let rule = unit.replication
        var census = TaskCensus(tasks)
        // Where one result can be enough, a second one is asked for when there is a first that was not.
        let needed = rule.acceptance.trustsSingle && census.plausible == 0 ? 1 : rule.quorum
        if census.errors >= rule.maxErrors {
            // Results that are here are looked at before the unit is given up; more are not asked for.
            let mayStillDecide = census.pending > 0 && census.plausible + census.pending >= needed
            if !mayStillDecide {
                end(.failed(.tooManyErrors), reason: "\(census.errors) of the unit's tasks failed")
            }
            return
        }
        let wanted = max(needed - census.plausible, 1)
        while census.outstanding < wanted {
            if let spare = tasks.firstIndex(where: { $0.state == .notNeeded }) {
                tasks[spare].state = .unsent
                census.spare -= 1
            } else if tasks.count < rule.maxTotal {
                tasks.append(TaskRecord(id: TaskID(unit: unit.id, ordinal: tasks.count), state: .unsent))
            } else {
                break
            }
            census.unsent += 1
        }
        // Expired tasks may still report, but nobody waits for them alone.
        let more = census.spare + rule.maxTotal - tasks.count
        let reachable = census.plausible + census.outstanding + census.expired + more
        if census.outstanding == 0 || reachable < needed {
            end(.failed(.noAgreement), reason: "no quorum of \(rule.quorum) agreed among \(tasks.count) tasks")
        }
    }
}
