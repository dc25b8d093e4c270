import Domain

extension StoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .duplicate(let what): "already there: \(what)"
        case .conflict(let what): "refused: \(what)"
        case .missing(let what): "not there: \(what)"
        case .newerSchema(let found, let known):
            "the data has format \(found), this program knows formats up to \(known)"
        case .locked(let what): "in use: \(what)"
        case .io(let what): "cannot read or write: \(what)"
        case .corrupt(let what): "damaged: \(what)"
        case .uncertain(let what): "not known whether it was done: \(what)"
        }
    }

    /// The same for a person: what to do about it.
    public var fault: Fault {
        switch self {
        case .duplicate, .conflict, .missing: Fault(.software, description)
        case .newerSchema:
            Fault(.configuration, description, advice: "start the newer version of this program, or restore a backup")
        case .locked:
            Fault(.configuration, description, advice: "stop the other process, or choose another data directory")
        case .io: Fault(.cannotWrite, description, advice: "free some space or repair the disk, then start again")
        case .corrupt: Fault(.badData, description, advice: "restore the file from a backup")
        case .uncertain: Fault(.interrupted, description, advice: "look whether it was done before you repeat it")
        }
    }
}
