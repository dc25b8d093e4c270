/// Hosts of whom the first few are of one mind.
struct Crowd: Hashable {
    var hosts: Int
    var forgers: Int

    func isForger(_ host: Int) -> Bool { host < forgers }

    /// Who asks for work next, of those that have no task of the unit.
    func next(besides members: [Int], _ draws: inout Draws) -> Int {
        while true {
            let other = draws.index(below: hosts)
            if !members.contains(other) { return other }
        }
    }
}
