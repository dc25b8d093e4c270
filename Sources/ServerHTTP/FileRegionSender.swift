import Glibc
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// Sends a file from the kernel's page cache to the socket (`sendfile`): no byte of it passes through this process.
///
/// The body goes into the pipeline behind the handler that translates Hummingbird's parts, since those know bytes in
/// memory only. Head and end go the ordinary way, on the same event loop, so their order stays.
final class FileRegionSender: Sendable {
    /// Smaller blobs are not worth the calls.
    static let worthwhileBytes = 256 << 10
    /// So much is read from the disk ahead, on a thread for that, while what is before it is sent: the event loop must
    /// not wait for a disk.
    private static let regionBytes: Int64 = 8 << 20

    private let file: NIOFileHandle
    private let descriptor: CInt
    private let channel: any Channel
    private let routes: ServerRoutes

    private init(_ descriptor: CInt, _ channel: any Channel, _ routes: ServerRoutes) {
        self.descriptor = descriptor
        file = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
        self.channel = channel
        self.routes = routes
    }

    deinit { try? file.close() }

    /// - Returns: nil when there is no such file, or when what lies in between must see the bytes (TLS).
    static func open(
        _ path: @escaping @Sendable () throws -> String?, on channel: any Channel, routes: ServerRoutes
    ) async throws -> FileRegionSender? {
        let mayPass = try await channel.eventLoop.submit {
            let pipeline = channel.pipeline
            return (try? pipeline.syncOperations.context(handlerType: HTTP1ToHTTPServerCodec.self)) != nil
                && !pipeline.debugDescription.contains("SSL")
        }.get()
        guard mayPass else { return nil }
        return try await routes.onDisk {
            guard let path = try path() else { return nil }
            let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            return descriptor >= 0 ? FileRegionSender(descriptor, channel, routes) : nil
        }
    }

    /// Returns when the last byte is with the kernel. - Throws: when the other end is gone.
    func send(_ bytes: Range<Int64>) async throws {
        var at = bytes.lowerBound
        try await readAhead(at)
        while at < bytes.upperBound {
            let end = min(at + Self.regionBytes, bytes.upperBound)
            async let ahead: Void = readAhead(end)
            try await write(at..<end)
            try await ahead
            at = end
        }
    }

    private func readAhead(_ offset: Int64) async throws {
        _ = try await routes.onDisk { [self] in
            posix_fadvise(descriptor, off_t(offset), off_t(Self.regionBytes), POSIX_FADV_WILLNEED)
        }
    }

    /// One region at a time: a connection that takes nothing holds nothing here either.
    private func write(_ bytes: Range<Int64>) async throws {
        let region = FileRegion(
            fileHandle: file, readerIndex: Int(bytes.lowerBound), endIndex: Int(bytes.upperBound))
        try await channel.eventLoop.flatSubmit { [channel] in
            let promise = channel.eventLoop.makePromise(of: Void.self)
            do {
                let codec = try channel.pipeline.syncOperations.context(handlerType: HTTP1ToHTTPServerCodec.self)
                codec.writeAndFlush(NIOAny(HTTPServerResponsePart.body(.fileRegion(region))), promise: promise)
            } catch {
                promise.fail(error)
            }
            return promise.futureResult
        }.get()
    }
}
