import Foundation
import Testing

/// A matrix that travels as it is, and one work unit of it, whose result is large, too.
struct LargeProject {
    var rows: Int
    var columns: Int
    var bytes: Int { Self.headerBytes + rows * columns }
    private static let headerBytes = 128

    /// 65 MB, and a result of as much before it is compressed.
    static let large = LargeProject(rows: 2896, columns: 22_528)
    /// 20 MB, and a result of some hundred kilobytes.
    static let middling = LargeProject(rows: 256, columns: 78_400)

    /// 2 MB, and a result of 3.
    static let uploading = LargeProject(rows: 1024, columns: 2048)

    /// - Returns: the project's folder.
    func make(in folder: TemporaryFolder) throws -> String {
        let target = folder.url.appending(path: "large")
        try FileManager.default.createDirectory(
            at: target.appending(path: "input"), withIntermediateDirectories: true)
        try matrix().write(to: target.appending(path: "input/matrix.npy"))
        try manifest.write(to: target.appending(path: "project.yaml"), atomically: true, encoding: .utf8)
        return target.path
    }

    /// Numbers that do not compress: a result of them does not either.
    private func matrix() -> Data {
        let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(rows), \(columns)), }"
        let header = text + String(repeating: " ", count: Self.headerBytes - 11 - text.utf8.count) + "\n"
        var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(Self.headerBytes - 10), 0] + Array(header.utf8))
        data.reserveCapacity(bytes)
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        var words = [UInt64](repeating: 0, count: rows * columns / 8)
        for at in words.indices {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            words[at] = state
        }
        words.withUnsafeBytes { data.append(contentsOf: $0) }
        return data
    }

    private var manifest: String {
        """
        name: large-matrix
        title: A matrix that takes a while to send
        description: For tests of transfers that are cut off.
        science_area: computer science
        licence: CC0-1.0
        app: gram
        parameters:
          product: rows
          centre: none
          block_rows: \(rows)
        inputs:
          - name: matrix
            file: input/matrix.npy
            packing: raw
        split:
          steps_per_unit: 1
        replication:
          quorum: 2
          max_total: 8
          max_errors: 8
          deadline: 12 h
        resources:
          memory: 1 GiB
          disk: 512 MiB
          output: 80 MiB
        validation:
          check_each: true
          rule: check
        """
    }
}

/// Kills a program at the moment when a file has grown to some size.
enum Interrupter {
    /// Why the moment did not come.
    enum Missed: Error, CustomStringConvertible {
        /// The file was gone, complete, when the program was dead.
        case tooLate(bytes: Int64)
        /// The time passed; what the file had reached at most, nil when there was none.
        case neverThere(seconds: Double, bytes: Int64?)

        var description: String {
            switch self {
            case .tooLate(let bytes): "the file went between its \(bytes) bytes and the kill"
            case .neverThere(let seconds, nil): "no file within \(seconds) s"
            case .neverThere(let seconds, let bytes?): "the file had \(bytes) bytes at most within \(seconds) s"
            }
        }
    }

    /// - Parameter find: the path of the file, once it is there.
    /// - Returns: the size it had after the kill.
    /// - Throws: `Missed`.
    @discardableResult
    static func kill(
        _ pid: Int32, when bytes: Int64, limitSeconds: Double = 900, _ find: @escaping @Sendable () -> String?
    ) async throws -> Int64 {
        try await withCheckedThrowingContinuation { continuation in
            // A thread of its own: it looks all the time, and must not wait for other tests.
            Thread.detachNewThread {
                let end = Date().addingTimeInterval(limitSeconds)
                var seen: Int64?
                while Date() < end {
                    if let path = find(), let now = size(path) {
                        seen = max(seen ?? 0, now)
                        if now >= bytes {
                            Foundation.kill(pid, SIGKILL)
                            usleep(200_000)
                            continuation.resume(
                                with: size(path).map { .success($0) } ?? .failure(Missed.tooLate(bytes: now)))
                            return
                        }
                    }
                    usleep(300)
                }
                continuation.resume(throwing: Missed.neverThere(seconds: limitSeconds, bytes: seen))
            }
        }
    }

    private static func size(_ path: String) -> Int64? {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : nil
    }

    /// The file in a folder whose name begins so.
    @Sendable static func file(in folder: String, prefix: String = "", suffix: String = "") -> String? {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .first { $0.hasPrefix(prefix) && $0.hasSuffix(suffix) }.map { folder + "/" + $0 }
    }
}
