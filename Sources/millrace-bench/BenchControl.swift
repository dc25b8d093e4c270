import Domain
import Glibc
import SwiftProtobuf
import Wire
import WorkerHost

/// What a scientist asks of the server, each time over a new connection: the server closes those that rest.
final class BenchControl {
    private let port: Int
    private let fields: [String]

    init(port: Int, folder: String) throws {
        self.port = port
        let token =
            String(decoding: try Files.read(folder + "/admin.token", limit: 4096), as: UTF8.self)
            .split(separator: "\n").first ?? ""
        fields = [
            "Authorization: Bearer \(token)", "Content-Type: application/x-protobuf", "Accept: application/x-protobuf",
        ]
    }

    /// - Returns: the batch's number.
    func submit(quorum: Int, outputBytes: Int = 1024) throws -> UInt64 {
        var request = WireSubmitRequest()
        request.manifest = NoOp.manifest(quorum: quorum, outputBytes: outputBytes)
        let body: [UInt8] = try request.serializedBytes()
        return try WireSubmitReply(serializedBytes: try ask("POST", "/v1/batches", body, status: 201)).batchID
    }

    func status(_ batch: UInt64) throws -> WireBatchStatus {
        try WireBatchStatus(serializedBytes: try ask("GET", "/v1/batches/\(batch)", [], status: 200))
    }

    func cancel(_ batch: UInt64) throws -> WireBatchStatus {
        try WireBatchStatus(serializedBytes: try ask("POST", "/v1/batches/\(batch)/cancel", [], status: 200))
    }

    /// Waits until so many units may be given out.
    func wait(_ batch: UInt64, ready: UInt64, limitSeconds: Double = 60) throws {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(limitSeconds)
        while try status(batch).unitsReady < ready {
            guard clock.now < end else { throw Fault(.software, "batch \(batch) was not split in time") }
            usleep(20_000)
        }
    }

    private func ask(_ method: String, _ path: String, _ body: [UInt8], status: Int) throws -> [UInt8] {
        let answer = try BenchConnection(port: port).request(method, path, fields, body)
        guard answer.status == status else {
            throw Fault(.refused, "\(path): \(answer.status) \(String(decoding: answer.body, as: UTF8.self))")
        }
        return answer.body
    }
}
