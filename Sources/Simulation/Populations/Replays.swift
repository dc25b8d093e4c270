import Wire

/// Keeps its requests and sends old ones again, number and all.
struct Replays: Behaviour {
    private var sent: [(WireSchedulerRequest, Int64)] = []

    mutating func again(
        _ request: WireSchedulerRequest, sequence: Int64, _ draws: inout Draws
    ) -> [(WireSchedulerRequest, Int64)] {
        sent = Array((sent + [(request, sequence)]).suffix(8))
        guard draws.chance(oneIn: 2) else { return [] }
        return [sent[draws.index(below: sent.count)]]
    }
}
