import Bytes

/// Where in its work a process is killed.
enum KillMoment: Hashable {
    /// So many milliseconds after its turn has come, wherever it is then.
    case after(milliseconds: Int)
    /// As soon as so many things have happened in a folder of its data: a file made, filled, moved or removed.
    case whenTouched(folder: String, times: Int)
    /// Twice: the second time so many milliseconds after it was started again.
    case starting(milliseconds: Int)
}

/// One turn of the killer.
struct Kill: Hashable {
    /// Its turn comes when so many units are validated.
    var afterUnits: Int
    /// The place of the victim's kind in the list.
    var kind: Int
    /// Which of the processes of that kind, modulo how many there are.
    var which: Int
    var moment: KillMoment
    /// How long it stays away.
    var downMilliseconds: Int
}

/// What a seed makes of it: the same kills, at the same progress, in the same places.
struct KillPlan {
    /// The killer's view of a kind of victims.
    struct Kind: Hashable {
        var name: String
        /// How often it is chosen, beside the others.
        var weight: Int
        /// Folders and files of its data where a kill hurts.
        var folders: [String]
        /// Where it works at the very end of the batches.
        var lastFolder: String?
    }

    private(set) var kills: [Kill] = []

    /// - Parameters:
    ///   - signals: how many SIGKILLs in all.
    ///   - units: how many units there are; kills are spread over the first nine tenths, and the last few wait for the
    ///     end, where answers are assembled.
    init(seed: UInt64, signals: Int, units: Int, kinds: [Kind]) {
        var random = SeededGenerator(seed: seed)
        let atTheEnd = kinds.indices.filter { kinds[$0].lastFolder != nil }
        let last = atTheEnd.isEmpty ? 0 : min(3, signals / 3)
        var sent = 0
        while sent < signals {
            let left = signals - sent
            let isLast = left <= last
            let kind = isLast ? atTheEnd[left % atTheEnd.count] : Self.choose(kinds, &random)
            var moment = Self.moment(kinds[kind], &random)
            if isLast, let folder = kinds[kind].lastFolder { moment = .whenTouched(folder: folder, times: left) }
            if case .starting(let milliseconds) = moment, left - last < 2 {
                moment = .after(milliseconds: milliseconds)
            }
            kills.append(
                Kill(
                    afterUnits: isLast ? units * 19 / 20 : units * 9 / 10 * sent / signals, kind: kind,
                    which: random.nextIndex(below: 1024), moment: moment,
                    downMilliseconds: random.nextIndex(below: 400)))
            sent += moment.signals
        }
    }

    private static func choose(_ kinds: [Kind], _ random: inout SeededGenerator) -> Int {
        var at = random.nextIndex(below: kinds.reduce(0) { $0 + $1.weight })
        for (index, kind) in kinds.enumerated() {
            at -= kind.weight
            if at < 0 { return index }
        }
        return 0
    }

    /// A third at any moment, half in a place that hurts, a sixth while starting.
    private static func moment(_ kind: Kind, _ random: inout SeededGenerator) -> KillMoment {
        switch random.nextIndex(below: 6) {
        case 0: .starting(milliseconds: random.nextIndex(below: 300))
        case 1, 2: .after(milliseconds: random.nextIndex(below: 500))
        default:
            kind.folders.isEmpty
                ? .after(milliseconds: random.nextIndex(below: 500))
                : .whenTouched(
                    folder: kind.folders[random.nextIndex(below: kind.folders.count)],
                    times: 1 + random.nextIndex(below: 8))
        }
    }
}

extension KillMoment {
    /// How many SIGKILLs it takes.
    var signals: Int {
        if case .starting = self { return 2 }
        return 1
    }
}
