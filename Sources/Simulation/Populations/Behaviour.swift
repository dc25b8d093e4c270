import ClientCore
import Domain
import Wire

/// What a kind of host does differently from an honest one. All have defaults: a new kind says only what is special.
protocol Behaviour {
    /// What kind of machine it is.
    func traits(_ draws: inout Draws) -> HostTraits
    /// What it puts into the result of a unit.
    mutating func value(for unit: UnitFacts, _ rumours: inout Rumours, _ draws: inout Draws) -> UInt64
    /// Changes a request of the honest client before it is signed and sent.
    mutating func edit(_ request: inout WireSchedulerRequest, _ workbench: Workbench)
    /// Requests that it sends again, beside the one that has just been sent: (request, sequence).
    mutating func again(
        _ request: WireSchedulerRequest, sequence: Int64, _ draws: inout Draws
    ) -> [(WireSchedulerRequest, Int64)]
}

extension Behaviour {
    func traits(_ draws: inout Draws) -> HostTraits { HostTraits(draws: &draws) }
    mutating func value(for unit: UnitFacts, _ rumours: inout Rumours, _ draws: inout Draws) -> UInt64 { unit.truth }
    mutating func edit(_ request: inout WireSchedulerRequest, _ workbench: Workbench) {}
    mutating func again(
        _ request: WireSchedulerRequest, sequence: Int64, _ draws: inout Draws
    ) -> [(WireSchedulerRequest, Int64)] { [] }
}

/// What can be known of a unit by computing it.
struct UnitFacts {
    var id: WorkUnitID
    var container: Digest
    /// The value of the exact app.
    var truth: UInt64
}

/// What hosts know of each other's results.
struct Rumours {
    /// The value that was computed first, by whomever.
    var first: [WorkUnitID: UInt64] = [:]
    /// What the clique and the swarm make of a unit without computing it.
    func agreedForgery(_ unit: UnitFacts, by group: UInt64) -> UInt64 { scrambled(unit.truth ^ group) }
}

/// A machine and the habits of its owner.
struct HostTraits {
    /// Of the nominal speed of a core.
    var speed = 1.0
    var cores = 1
    /// The machine runs for so long and is off for so long, on average, in milliseconds; nil: it is always on.
    var session: (on: Int64, off: Int64)?
    /// Parts per million by which its clock goes fast.
    var driftPPM: Int64 = 0
    /// Its clock is wrong by so much at the start, milliseconds.
    var clockOffset: Int64 = 0
    /// Somebody uses it now and then: the client watches keyboard and load.
    var hasUser = false

    init(draws: inout Draws) {
        speed = 0.6 + 0.1 * Double(draws.index(below: 13))
        cores = 1 + draws.index(below: 2)
        driftPPM = draws.whole(-50...50)
        clockOffset = draws.whole(-2000...2000)
        hasUser = draws.chance(oneIn: 6)
    }
}

/// What a host that does not follow the protocol can make results with.
struct Workbench {
    let host: Int
    /// A result of a task with the given value in it, and so many bytes more than usual.
    let forge: (TaskID, UInt64, Int) -> ResultBytes?
}
