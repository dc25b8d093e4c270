import Bytes
import Domain
import Foundation
import ServerCore
import ServerHTTP
import Storage
import SwiftProtobuf
import Synchronization
import Testing
import Wire

/// What happens before the disk is full.
@Suite("The disk's reserve")
struct DiskReserveTests {
    /// Space that a test sets.
    private final class Disk: Sendable {
        private let state = Mutex<(free: Int64, looksBefore: Int)>((100 << 30, 0))

        /// - Parameter looksBefore: so many still find much space.
        func set(mebibytes: Int64, looksBefore: Int = 0) {
            state.withLock { $0 = (mebibytes << 20, looksBefore) }
        }

        var space: DiskSpace {
            state.withLock { state in
                if state.looksBefore > 0 {
                    state.looksBefore -= 1
                    return DiskSpace(free: 100 << 30, total: 200 << 30)
                }
                return DiskSpace(free: state.free, total: 200 << 30)
            }
        }
    }

    @Test("Below the reserve, uploads, submissions and splitting wait, and reports go on; it recovers by itself")
    func low() async throws {
        let disk = Disk()
        try await withSite(options: { $0.space = { _ in disk.space } }) { site in
            let batch = try await site.submit()
            try await site.until(batch) { $0.splitFinished }
            let ada = try await LiveVolunteer(site, "Ada")
            let tasks = try await ada.fetch()
            try #require(tasks.count == 2)
            disk.set(mebibytes: 1000)
            try await LiveSite.eventually { try await site.probe.send("GET", "/healthz").status == 503 }
            // An upload: 503, with a time, and the result stays with the client.
            let refused = try await site.probe.send(
                "PATCH", "/v1/uploads/\(tasks[0].uploadTicket)",
                [
                    "Upload-Offset": "0", "Upload-Length": "1",
                    "Upload-Digest": SHA256Hash.digest(of: [1]).hex,
                ], body: [1])
            #expect(refused.status == 503 && (Int(refused.fields["retry-after"] ?? "") ?? 0) >= 60)
            let reply = try WireErrorReply(serializedBytes: refused.body)
            #expect(reply.code == "disk_reserve")
            #expect(try await site.probe.send("POST", "/v1/batches", site.admin, body: [1]).status == 503)
            // It is said everywhere, and is no reason to send volunteers away.
            #expect(try await site.probe.send("GET", "/healthz").text.contains("disk low, 1000 MiB free"))
            let ready = try await site.probe.send("GET", "/readyz")
            #expect(ready.status == 200 && ready.text.contains("disk low"))
            let metrics = try await site.probe.send("GET", "/metrics").text
            #expect(metrics.contains("millrace_disk_state{state=\"low\"} 1\n"))
            #expect(metrics.contains("millrace_disk_reserve_bytes 1073741824\n"))
            let list = try WireBatchList(
                jsonUTF8Bytes: try await site.probe.send("GET", "/v1/batches", site.admin).body)
            #expect(list.diskTrouble.contains("uploads, submissions and splitting wait"))
            // A small result still comes in.
            let report = LiveVolunteer.success(tasks[0], Array("true".utf8))
            #expect(try await ada.deliver([report]) == [.receiptAccepted])
            // Nearly at the end, reports wait, too; nothing of them is kept.
            disk.set(mebibytes: 100)
            try await LiveSite.eventually { try await site.probe.send("GET", "/readyz").status == 503 }
            let late = LiveVolunteer.success(tasks[1], Array("true".utf8))
            let waiting = try await ada.call(ada.request([late]))
            #expect(waiting.status == 503)
            #expect(try WireErrorReply(serializedBytes: waiting.body).code == "disk_reserve")
            // Somebody made space.
            disk.set(mebibytes: 50_000)
            try await LiveSite.eventually { try await site.probe.send("GET", "/healthz").status == 200 }
            #expect(try await ada.deliver([late]) == [.receiptAccepted])
            #expect(try await site.status(batch).tasksDone >= 2)
        }
    }

    @Test("A chunk that is coming in when the reserve is reached is taken no further, and goes on where it stopped")
    func lowInTheMiddle() async throws {
        let blobs = MemoryBlobStore(hash: BlobHash.factory)
        let bytes = [UInt8](repeating: 3, count: 2 << 20 | 1 << 16)
        let digest = SHA256Hash.digest(of: bytes)
        let upload = UploadName(blob: digest)
        let isLow = Mutex(true)
        let space: @Sendable (String) -> DiskSpace? = { _ in
            let here = (try? blobs.uploadOffset(upload)) ?? 0
            let free: Int64 = isLow.withLock { $0 } && here > 0 ? 1000 << 20 : 100 << 30
            return DiskSpace(free: free, total: 200 << 30)
        }
        try await withSite(blobs: blobs, options: { $0.space = space }) { site in
            func send(from start: Int) async throws -> HTTPProbe.Answer {
                let fields = [
                    "Upload-Offset": "\(start)", "Upload-Length": "\(bytes.count)", "Upload-Digest": digest.hex,
                ]
                return try await site.probe.send(
                    "PATCH", "/v1/blobs/\(digest.hex)", site.admin.merging(fields) { $1 }, body: Array(bytes[start...]))
            }
            let refused = try await send(from: 0)
            #expect(refused.status == 503 && refused.fields["retry-after"] != nil)
            let here = Int(try blobs.uploadOffset(upload))
            #expect(here >= 1 << 20 && here < 2 << 20, "one piece was written before anybody could know")
            isLow.withLock { $0 = false }
            #expect(try await send(from: here).status == 201)
        }
    }

    @Test("A batch that came in before is split only when there is space again, and a little more than the reserve")
    func splittingWaits() async throws {
        let disk = Disk()
        try await withSite(options: { $0.space = { _ in disk.space } }) { site in
            let first = try await site.submit()
            try await site.until(first) { $0.splitFinished }
            // The submission itself finds space, and whoever looks next does not: most often that is the tick.
            var second: UInt64?
            try await LiveSite.eventually {
                disk.set(mebibytes: 1000, looksBefore: 1)
                second = try? await site.submit(inputIsThere: true)
                return second != nil
            }
            let batch = try #require(second)
            let jobs = try await splitJobs(site)
            // Ticks come by and nothing is split.
            for _ in 0..<5 { try await Task.sleep(for: .milliseconds(500)) }
            #expect(try await splitJobs(site) == jobs)
            disk.set(mebibytes: 1150)
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await site.probe.send("GET", "/healthz").status == 503, "no flapping at the bound")
            disk.set(mebibytes: 1153)
            try await site.until(batch) { $0.splitFinished }
        }
    }

    private func splitJobs(_ site: LiveSite) async throws -> Substring? {
        try await site.probe.send("GET", "/metrics").text.split(separator: "\n")
            .first { $0.hasPrefix("millrace_jobs_total{kind=\"split\"}") }
    }

    @Test("Calls that come at about the same time share a look, and the next ones look again")
    func callsShareALook() async throws {
        let disk = Disk()
        let looks = Mutex(0)
        let space: @Sendable (String) -> DiskSpace? = { _ in
            looks.withLock { $0 += 1 }
            return disk.space
        }
        try await withSite(options: { $0.space = space }) { site in
            // Refused at once, but not before the disk was asked for.
            let count = 80
            let call = "POST /v1/call HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
            let calls = String(repeating: call + "\r\n", count: count - 1) + call + "Connection: close\r\n\r\n"
            let before = looks.withLock { $0 }
            let answers = try await site.probe.conversation(Array(calls.utf8))
            #expect(answers.map(\.status) == [Int](repeating: 400, count: count))
            #expect(looks.withLock { $0 } - before < count)
            disk.set(mebibytes: 100)
            try await LiveSite.eventually { try await site.probe.send("POST", "/v1/call", body: [1]).status == 503 }
            disk.set(mebibytes: 50_000)
            try await LiveSite.eventually { try await site.probe.send("POST", "/v1/call", body: [1]).status == 400 }
        }
    }

    @Test func reserveIsTheLesserOfBothAndHasTwoSteps() {
        var limits = ServerLimits()
        var reserve = DiskReserve(limits: limits)
        #expect(reserve.bytes(total: 1 << 40) == 1 << 30)
        #expect(reserve.bytes(total: 10 << 30) == (10 << 30) / 100 * 5)
        let total: Int64 = 1 << 40
        func state(_ mebibytes: Int64) -> String { "\(reserve.update(DiskSpace(free: mebibytes << 20, total: total)))" }
        #expect(state(1024) == "ok")
        #expect(state(1023) == "low")
        #expect(state(1100) == "low")
        #expect(state(1152) == "ok")
        #expect(state(127) == "full")
        #expect(state(140) == "full")
        #expect(state(144) == "low")
        limits.diskReserveMiB = 0
        reserve = DiskReserve(limits: limits)
        #expect(state(0) == "ok", "0 turns it off")
    }
}
