import CCurl
import Domain

/// What each failure of libcurl means to a person.
enum CurlFailure {
    /// - Parameter answered: whether the head of an answer had come.
    /// - Parameter isUnderWay: whether the server has a request, or a part of it, that changes something.
    /// - Parameter bodyBytes: bytes of the body that had come.
    static func fault(
        _ code: CURLcode, url: String, reason: String, answered: Bool, isUnderWay: Bool, bodyBytes: Int
    ) -> Fault {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST:
            return Fault(
                .unreachable, "\(url): the name of the server is not known (\(reason))",
                advice: "Check the address and the network.")
        case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_PROXY:
            return Fault(
                .unreachable, "\(url): nobody answers (\(reason))",
                advice: "Is the server running, and is the address right?")
        case CURLE_OPERATION_TIMEDOUT:
            if answered || bodyBytes > 0 {
                return Fault(.interrupted, "\(url): the answer came too slowly (\(reason))", advice: "Try again.")
            }
            return isUnderWay
                ? Fault(.interrupted, "\(url): no answer in time (\(reason))", advice: "Try again.")
                : Fault(.unreachable, "\(url): no answer in time (\(reason))", advice: "Is the server running?")
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE:
            return Fault(
                .unreachable, "\(url): the encrypted connection failed (\(reason))",
                advice: "Check the server's certificate.")
        case CURLE_UNSUPPORTED_PROTOCOL where reason.contains("HTTP/0.9"), CURLE_WEIRD_SERVER_REPLY:
            return notMillrace(url, "what answers is no web server (\(reason))")
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT:
            return Fault(
                .usage, "\"\(url)\" is not an http or https address (\(reason))",
                advice: "For example http://127.0.0.1:8080")
        case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT:
            return Fault(.osError, "\(url): \(reason)")
        default:
            // Partial bodies, resets, empty answers, broken HTTP/2 streams: all end here, and all may go away.
            let part = bodyBytes > 0 ? " after \(bodyBytes) bytes of the body" : ""
            return Fault(.interrupted, "\(url): the connection broke\(part) (\(reason))", advice: "Try again.")
        }
    }

    /// Somebody answers, but it is not a Millrace server.
    static func notMillrace(_ url: String, _ what: String) -> Fault {
        Fault(
            .protocolError, "\(url): \(what)",
            advice: "Is this the address of a Millrace server, and does no proxy answer in its place?")
    }
}
