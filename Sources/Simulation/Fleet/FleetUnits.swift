/// The units that are under way: made when the queue runs short, forgotten when they have ended.
struct FleetUnits {
    struct Unit {
        /// Volunteers that have had a task.
        var holders: [Int32] = []
        var out: Int8 = 0
        var unsent: Int8 = 0
        var good: Int8 = 0
        var isOver = false
        /// Tasks that still point here; the place is free when none does.
        var references: Int32 = 0
    }

    private(set) var units: [Unit] = []
    private var free: [Int32] = []
    /// Unsent tasks, oldest first.
    private var unsent: [Int32] = []
    private var unsentStart = 0
    let toMake: Int
    private(set) var made = 0
    private let quorum: Int

    init(count: Int, quorum: Int) {
        toMake = count
        self.quorum = quorum
    }

    subscript(unit: Int32) -> Unit {
        get { units[Int(unit)] }
        _modify { yield &units[Int(unit)] }
    }

    /// Sees to it that so many unsent tasks wait, as long as there are units to make.
    mutating func fill(_ wanted: Int) {
        while unsent.count - unsentStart < wanted, made < toMake {
            made += 1
            let place: Int32
            if let reused = free.popLast() {
                place = reused
                units[Int(place)] = Unit()
            } else {
                place = Int32(units.count)
                units.append(Unit())
            }
            for _ in 0..<quorum { addTask(of: place) }
        }
    }

    mutating func addTask(of unit: Int32) {
        units[Int(unit)].unsent += 1
        units[Int(unit)].references += 1
        unsent.append(unit)
    }

    /// The first waiting tasks whose unit this volunteer has not had: places in the queue, at most `limit`.
    func candidates(notOf volunteer: Int32, limit: Int) -> [Int] {
        var found: [Int] = []
        var seen: [Int32] = []
        var at = unsentStart
        while at < unsent.count, found.count < limit, at - unsentStart < 64 {
            let unit = unsent[at]
            if !units[Int(unit)].isOver, !units[Int(unit)].holders.contains(volunteer), !seen.contains(unit) {
                found.append(at)
                seen.append(unit)
            }
            at += 1
        }
        return found
    }

    func unit(atPlace place: Int) -> Int32 { unsent[place] }

    /// Takes a task out of the queue; the one at the head takes its place, so that nothing else moves.
    ///
    /// Several places of one look must be taken in rising order.
    mutating func take(place: Int) -> Int32 {
        let unit = unsent[place]
        unsent[place] = unsent[unsentStart]
        unsentStart += 1
        units[Int(unit)].unsent -= 1
        return unit
    }

    /// Drops tasks at the head whose unit has ended.
    mutating func dropEnded() {
        while unsentStart < unsent.count, units[Int(unsent[unsentStart])].isOver {
            let unit = unsent[unsentStart]
            unsentStart += 1
            units[Int(unit)].unsent -= 1
            release(unit)
        }
        compact()
    }

    private mutating func compact() {
        guard unsentStart > 100_000, unsentStart * 2 > unsent.count else { return }
        unsent.removeFirst(unsentStart)
        unsentStart = 0
    }

    mutating func release(_ unit: Int32) {
        units[Int(unit)].references -= 1
        if units[Int(unit)].references == 0, units[Int(unit)].isOver { free.append(unit) }
    }
}
