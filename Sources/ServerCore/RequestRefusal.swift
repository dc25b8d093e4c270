/// A request that is answered with an error. Nothing was written.
public struct RequestRefusal: Error, Hashable, Sendable {
    public var code: RefusalCode
    /// One line: what is wrong, with the field's name.
    public var message: String
    /// What to do about it; empty when there is nothing to do.
    public var advice: String
    /// For `.staleSequence`: the highest sequence number seen.
    public var sequence: Int64
    /// When to try again, for those who have to wait; nil: the edge decides.
    public var retryAfterSeconds: Int?

    public init(_ code: RefusalCode, _ message: String, advice: String = "", sequence: Int64 = 0) {
        self.code = code
        self.message = message
        self.advice = advice
        self.sequence = sequence
    }
}

/// Why a request is refused. The raw value is the stable word that programs read.
public enum RefusalCode: String, Hashable, Sendable, CaseIterable {
    case badRequest = "bad_request"
    case badToken = "bad_token"
    case badSignature = "bad_signature"
    case badSession = "bad_session"
    case unknownHost = "unknown_host"
    case hostRemoved = "host_removed"
    case erased = "erased"
    case badLinkCode = "bad_link_code"
    case badTicket = "bad_ticket"
    case notFound = "not_found"
    case noSuchBlob = "no_such_blob"
    case methodNotAllowed = "method_not_allowed"
    case timeout = "timeout"
    case staleSequence = "stale_sequence"
    case wrongOffset = "wrong_offset"
    case wrongState = "wrong_state"
    case tooLarge = "too_large"
    case badRange = "bad_range"
    case hashMismatch = "hash_mismatch"
    case badManifest = "bad_manifest"
    case missingInput = "missing_input"
    case tooManyRequests = "too_many_requests"
    case failure = "internal_error"
    case unavailable = "unavailable"
    case diskFull = "disk_full"
    case diskReserve = "disk_reserve"

    /// The HTTP status that goes with it.
    public var status: Int {
        switch self {
        case .badRequest: 400
        case .badToken, .badSignature, .badSession: 401
        case .unknownHost, .hostRemoved, .erased, .badLinkCode, .badTicket: 403
        case .notFound, .noSuchBlob: 404
        case .methodNotAllowed: 405
        case .timeout: 408
        case .staleSequence, .wrongOffset, .wrongState: 409
        case .tooLarge: 413
        case .badRange: 416
        case .hashMismatch, .badManifest, .missingInput: 422
        case .tooManyRequests: 429
        case .failure: 500
        case .unavailable, .diskReserve: 503
        case .diskFull: 507
        }
    }
}
