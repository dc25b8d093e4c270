import Bytes
import CPosix
import ClientSystem
import Domain
import Glibc
import Synchronization
import Testing
import WorkerHost

@Suite("Limits of transfers")
struct TransferGovernorTests {
    static func transport(_ governor: TransferGovernor) -> HTTPTransport {
        HTTPTransport(userAgent: "millrace-test", governor: governor)
    }

    static func fault(_ body: () throws(Fault) -> Void) -> Fault? {
        do throws(Fault) {
            try body()
            return nil
        } catch { return error }
    }

    @Test("What is sent and received is counted, heads included")
    func counts() throws {
        let server = try TinyServer { _ in .respond(200, body: [UInt8](repeating: 1, count: 50_000)) }
        let governor = TransferGovernor()
        governor.begin(day: 1)
        let transport = Self.transport(governor)
        let request = HTTPRequest(
            method: "POST", url: server.url + "/x", body: [UInt8](repeating: 2, count: 30_000))
        _ = try transport.perform(request)
        let bytes = governor.usage.bytes
        #expect(bytes > 80_000 && bytes < 82_000)
        governor.begin(day: 1)
        #expect(governor.usage.bytes == bytes, "the same day")
        governor.begin(day: 2)
        #expect(governor.usage.bytes == 0)
    }

    @Test("A download stops when the day's bytes are used up, and goes on the next day where it stopped")
    func dayLimit() throws {
        let folder = try TemporaryFolder()
        let server = try TinyServer(BlobDownloadTests.ranges)
        let governor = TransferGovernor()
        governor.begin(day: 1)
        governor.set(TransferGovernor.Limits(bytesPerDay: 100_000), isOpen: true)
        let (transport, path) = (Self.transport(governor), folder.path + "/blob")
        func fetch() throws(Fault) {
            try BlobDownload(transport: transport).fetch(
                url: server.url + "/v1/blobs/\(BlobDownloadTests.digest.hex)", digest: BlobDownloadTests.digest,
                size: Int64(BlobDownloadTests.blob.count), to: path)
        }
        #expect(Self.fault { () throws(Fault) in try fetch() }?.kind == .interrupted)
        // At most what was on its way in one piece of libcurl's.
        #expect(governor.usage.bytes < 100_000 + 100_000)
        let asked = server.requests.count
        #expect(Self.fault { () throws(Fault) in try fetch() }?.kind == .interrupted)
        #expect(server.requests.count == asked, "the server is not even asked")
        for day in Int64(2)...4 where !Files.exists(path) {
            governor.begin(day: day)
            _ = Self.fault { () throws(Fault) in try fetch() }
        }
        #expect(try Files.read(path, limit: 1 << 20) == BlobDownloadTests.blob)
        #expect(server.requests.contains { $0.headers["range"] != nil })
    }

    @Test("When the network closes nothing is begun, and what is being fetched is broken off")
    func closed() throws {
        let governor = TransferGovernor()
        let server = try TinyServer { request in
            if request.path == "/big" { governor.set(TransferGovernor.Limits(), isOpen: false) }
            return .respond(200, body: [UInt8](repeating: 1, count: 1_000_000))
        }
        let transport = Self.transport(governor)
        var big = HTTPRequest(method: "GET", url: server.url + "/big")
        big.kind = .download
        #expect(Self.fault { () throws(Fault) in _ = try transport.perform(big) }?.kind == .interrupted)
        let small = HTTPRequest(method: "GET", url: server.url + "/small")
        let fault = Self.fault { () throws(Fault) in _ = try transport.perform(small) }
        #expect(fault?.kind == .interrupted && fault?.message == "the preferences allow no transfers now")
        #expect(server.requests.map(\.path) == ["/big"])
        // A call that has begun is brought to its end.
        governor.set(TransferGovernor.Limits(), isOpen: true)
        big.kind = .call
        #expect(try transport.perform(big).body.count == 1_000_000)
    }

    @Test("Two downloads together keep to the rate, and so does sending")
    func rates() throws {
        let server = try TinyServer { request in
            .respond(200, body: request.method == "GET" ? [UInt8](repeating: 1, count: 300_000) : [])
        }
        let governor = TransferGovernor()
        let rate: Int64 = 200_000
        governor.set(
            TransferGovernor.Limits(downBytesPerSecond: rate, upBytesPerSecond: rate), isOpen: true)
        let transport = Self.transport(governor)
        let began = millrace_monotonic_seconds()
        let done = Mutex(0)
        for _ in 0..<2 {
            BlockingThread.start("download") {
                var request = HTTPRequest(method: "GET", url: server.url + "/x")
                request.kind = .download
                _ = try? transport.perform(request)
                done.withLock { $0 += 1 }
            }
        }
        #expect(eventually { done.withLock { $0 } == 2 })
        // The first may come at once, as far as a second of the rate goes; the second then waits for what it is ahead.
        #expect(millrace_monotonic_seconds() - began > 0.9)
        let sending = millrace_monotonic_seconds()
        var request = HTTPRequest(method: "PATCH", url: server.url + "/x", body: [UInt8](repeating: 1, count: 300_000))
        request.kind = .upload
        #expect(try transport.perform(request).status == 200)
        #expect(millrace_monotonic_seconds() - sending > 1)
    }

    /// A blob that comes at a hundredth of the rate would otherwise keep the lane for as long as it likes.
    @Test("A slow download gives way to another after its turn, and goes on where it stopped")
    func givesWay() throws {
        let folder = try TemporaryFolder()
        let slow = Mutex(true)
        let server = try TinyServer { request in
            if request.path == "/quick" { return .respond(200, body: [1, 2, 3]) }
            return .trickle(BlobDownloadTests.ranges(request)) { slow.withLock { $0 } }
        }
        let governor = TransferGovernor(turnSeconds: 3)
        governor.set(TransferGovernor.Limits(downBytesPerSecond: 10_000_000), isOpen: true)
        let (transport, path) = (Self.transport(governor), folder.path + "/blob")
        let done = Mutex(false)
        BlockingThread.start("slow") {
            try? BlobDownload(transport: transport).fetch(
                url: server.url + "/v1/blobs/\(BlobDownloadTests.digest.hex)", digest: BlobDownloadTests.digest,
                size: Int64(BlobDownloadTests.blob.count), to: path)
            done.withLock { $0 = true }
        }
        #expect(eventually { Files.exists(path + ".part") })
        var request = HTTPRequest(method: "GET", url: server.url + "/quick")
        request.kind = .download
        #expect(try transport.perform(request).body == [1, 2, 3])
        #expect(!done.withLock { $0 }, "it came before the slow one's end")
        slow.withLock { $0 = false }
        #expect(eventually { done.withLock { $0 } })
        #expect(try Files.read(path, limit: 1 << 20) == BlobDownloadTests.blob)
        #expect(server.requests.contains { $0.headers["range"] != nil })
    }

    @Test("Behind a server that does not end its answer nobody waits for ever; those who wait go in order")
    func patience() throws {
        let lane = TransferLane()
        #expect(lane.enter(patienceSeconds: 60))
        #expect(!lane.enter(patienceSeconds: 0.05))
        #expect(!lane.isWanted, "who has given up waits no more")
        let order = Mutex<[Int]>([])
        for index in 0..<3 {
            BlockingThread.start("waits") {
                guard lane.enter(patienceSeconds: 60) else { return }
                order.withLock { $0.append(index) }
                lane.leave(after: (0, 0), TransferGovernor.Rates())
            }
            #expect(eventually { lane.waitingCount == index + 1 })
        }
        lane.leave(after: (0, 0), TransferGovernor.Rates())
        #expect(eventually { order.withLock { $0.count } == 3 })
        #expect(order.withLock { $0 } == [0, 1, 2])
    }
}
