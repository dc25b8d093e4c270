import Domain

/// Who may have a task of a work unit of which others have tasks already.
///
/// Whoever gets the second task judges the first. If it went to whoever asks next, two names of one person could judge
/// each other, and a record of checked results would say nothing. So the second task of a unit is given by a secret
/// lot: at first only to a few volunteers, whom nobody can foresee, and to more the longer it waits, so that it does
/// not wait for ever. And hosts that have proved nothing are never the majority of a quorum.
public enum Pairing {
    /// What a project asks of the hosts that share a unit; different volunteers are asked for always.
    public struct Rule: Hashable, Sendable {
        public var quorum: Int
        public var spread: SpreadRule
        /// How long a task waits before twice as many volunteers may have it.
        public var patience: TimeSpan

        public init(_ rule: ReplicationRule, _ spread: SpreadRule) {
            quorum = rule.quorum
            self.spread = spread
            let sixteenth = TimeSpan(milliseconds: rule.deadline.milliseconds / 16)
            patience = min(max(sixteenth, Pairing.patienceMin), Pairing.patienceMax)
        }
    }

    /// A host as far as it matters to those it shares a unit with.
    public struct Host: Hashable, Sendable {
        public var volunteer: VolunteerID
        /// Whether its record lets it be in the majority; see `ServerCore`.
        public var isProven: Bool
        /// A keyed hash of the prefix of the address that it last called from; nil when unknown.
        public var network: UInt64?
        /// The team its volunteer is in; nil: none.
        public var team: Int64?
        /// What its floating-point results depend on: platform and family of the processor.
        public var hardware: String

        public init(volunteer: VolunteerID, isProven: Bool, network: UInt64?, team: Int64?, hardware: String) {
            self.volunteer = volunteer
            self.isProven = isProven
            self.network = network
            self.team = team
            self.hardware = hardware
        }
    }

    /// A host that has or had a task of the unit.
    public struct Companion: Hashable, Sendable {
        public var host: Host
        /// Whether its result is or may come to be one of a quorum: not failed, refused or given back.
        public var counts: Bool

        public init(host: Host, counts: Bool) {
            self.host = host
            self.counts = counts
        }
    }

    /// How many volunteers the lot falls among: those seen lately.
    public struct Crowd: Hashable, Sendable {
        public var volunteers: Int
        /// Those of them that are proven for the app at hand.
        public var proven: Int

        public init(volunteers: Int, proven: Int) {
            self.volunteers = volunteers
            self.proven = proven
        }
    }

    public enum Refusal: Hashable, Sendable, CaseIterable {
        case sameVolunteer, sameNetwork, sameTeam, otherHardware
        /// Unproven hosts would be the majority.
        case unproven
        /// The lot has not fallen on this volunteer, or not yet.
        case lot
    }

    static let patienceMin = TimeSpan(seconds: 60)
    static let patienceMax = TimeSpan(seconds: 3600)
    /// Volunteers on whom the lot falls at first, on average: enough that one of them asks soon.
    static let chosenAtFirst = 2.0
    /// In a crowd that is not larger there is nothing to hide in, and waiting would be for nothing.
    static let crowdMin = 8

    /// - Parameter companions: the hosts of the unit's other tasks; without any, everybody may.
    /// - Parameter lot: uniform over all 64-bit numbers, fixed by a secret, the volunteer and the unit.
    /// - Parameter waited: since anything last happened to the unit.
    /// - Returns: nil when the host may have the task.
    public static func refusal(
        of host: Host, beside companions: [Companion], _ rule: Rule, among crowd: Crowd, lot: UInt64, waited: TimeSpan
    ) -> Refusal? {
        for companion in companions.map(\.host) {
            if companion.volunteer == host.volunteer { return .sameVolunteer }
            if rule.spread.networks, let network = host.network, network == companion.network { return .sameNetwork }
            if rule.spread.teams, let team = host.team, team == companion.team { return .sameTeam }
            if rule.spread.sameHardware, host.hardware != companion.hardware { return .otherHardware }
        }
        guard !companions.isEmpty else { return nil }
        if !host.isProven, hasEnoughProven(crowd, rule) {
            let unproven = companions.count { $0.counts && !$0.host.isProven } + 1
            if 2 * unproven > rule.quorum { return .unproven }
        }
        return isDrawn(lot, among: crowd, rule, waited: waited) ? nil : .lot
    }

    /// Whether the lot lets a volunteer have a task of a unit that others have begun. Asks for nothing else of them, so
    /// it is the cheapest question.
    public static func isDrawn(_ lot: UInt64, among crowd: Crowd, _ rule: Rule, waited: TimeSpan) -> Bool {
        Trust.isDrawn(lot, rate: share(of: crowd, rule, waited: waited))
    }

    /// Whether so many hosts are proven that the others need not judge each other. In a young project nobody is.
    static func hasEnoughProven(_ crowd: Crowd, _ rule: Rule) -> Bool {
        crowd.proven >= max(crowdMin, rule.quorum + 1) && 4 * crowd.proven >= crowd.volunteers
    }

    /// The share of volunteers that may have a task which has waited so long.
    static func share(of crowd: Crowd, _ rule: Rule, waited: TimeSpan) -> Double {
        guard crowd.volunteers > crowdMin else { return 1 }
        let periods = max(0, waited.milliseconds) / max(1, rule.patience.milliseconds)
        var share = chosenAtFirst / Double(crowd.volunteers)
        for _ in 0..<min(periods, 40) where share < 1 { share *= 2 }
        return min(share, 1)
    }
}
