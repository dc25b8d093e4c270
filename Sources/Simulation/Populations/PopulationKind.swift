/// The kinds of hosts, freely mixed. Each has a file of its own beside this one.
public enum PopulationKind: String, CaseIterable, Hashable, Sendable {
    case honest, slow, churning, wrongClock, corrupter, lazyForger, trustFarmer, copycat, clique, sybil
    case neverReports, reportsTwice, editsReport, replays, oversize

    /// How it behaves.
    /// - Parameter draws: of this host, for what is drawn once.
    func behaviour(_ draws: inout Draws) -> any Behaviour {
        switch self {
        case .honest: Honest()
        case .slow: Slow()
        case .churning: Churning()
        case .wrongClock: WrongClock()
        case .corrupter: Corrupter()
        case .lazyForger: LazyForger()
        case .trustFarmer: TrustFarmer(honestFirst: Int(draws.whole(3...12)))
        case .copycat: Copycat()
        case .clique: Clique()
        case .sybil: Sybil()
        case .neverReports: NeverReports()
        case .reportsTwice: ReportsTwice()
        case .editsReport: EditsReport()
        case .replays: Replays()
        case .oversize: Oversize()
        }
    }

    /// Whether hosts of this kind may put a wrong value into a result.
    public var forges: Bool {
        switch self {
        case .corrupter, .lazyForger, .trustFarmer, .clique, .sybil, .copycat: true
        case .honest, .slow, .churning, .wrongClock, .neverReports, .reportsTwice, .editsReport, .replays,
            .oversize:
            false
        }
    }

    /// Whether several of them agree on what they forge, or on whom they copy.
    public var agreesOnForgeries: Bool { self == .clique || self == .sybil || self == .copycat }
}
