import HTTPTypes
import Hummingbird
import NIOCore
import ServerCore

/// Reads request bodies within bounds of size and time, so that neither a large nor a slow sender holds memory.
enum RequestBodyReader {
    /// The whole body. - Parameter seconds: from its first to its last byte; see `ServerLimits.bodySeconds`.
    /// - Throws: `.tooLarge`, `.timeout`, `TooManyBodies`.
    static func collect(_ request: Request, limit: Int, seconds: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        try await forEachPiece(request, limit: limit, seconds: seconds) { piece in
            if let account = BodyAccount.current, !account.take(piece.readableBytes) { throw TooManyBodies() }
            bytes.append(contentsOf: piece.readableBytesView)
        }
        return bytes
    }

    /// The body as it comes.
    static func forEachPiece(
        _ request: Request, limit: Int, seconds: Int, _ body: (ByteBuffer) async throws -> Void
    ) async throws {
        try checkAnnounced(request, limit: limit)
        let clock = ContinuousClock()
        let start = clock.now
        var count = 0
        for try await piece in request.body {
            count += piece.readableBytes
            if count > limit { throw tooLarge(limit) }
            if start.duration(to: clock.now) > .seconds(seconds) {
                throw RequestRefusal(.timeout, "the request body took longer than \(seconds) s")
            }
            try await body(piece)
        }
    }

    /// For routes that look at something else before they read. - Throws: `.tooLarge`.
    static func checkAnnounced(_ request: Request, limit: Int) throws {
        if let announced = request.headers[.contentLength].flatMap({ Int($0) }), announced > limit {
            throw tooLarge(limit)
        }
    }

    private static func tooLarge(_ limit: Int) -> RequestRefusal {
        RequestRefusal(.tooLarge, "the request body is larger than \(limit) bytes")
    }
}
