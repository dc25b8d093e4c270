/// The words of `validation.rule`.
enum AcceptanceWords {
    static let quorum = "quorum"
    static let check = "check"
    static let adaptive = "adaptive"
    static let all = [quorum, check, adaptive]
}
