import Domain
import FoundationEssentials
import Glibc
import Measuring
import Synchronization
import WorkerHost

/// nginx with one fixed answer to every POST: what the same bytes cost a server that thinks nothing.
struct NginxPeer {
    /// - Parameter answerBytes: how long its answer is, head included, as far as that goes.
    /// - Returns: calls per second, a figure for each run. - Throws: `.noInput` where there is no nginx.
    static func run(
        program: String, folder: String, requestBytes: Int, answerBytes: Int, runs: Int, seconds: Double,
        connections: Int
    ) async throws -> [Double] {
        let path = benchFolder(folder, "nginx")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let port = try freePort()
        try Files.replace(path + "/nginx.conf", with: Array(configuration(path, port, answerBytes).utf8))
        // The shell ends it when this program is gone, however that came.
        let script = """
            "$0" -p "$1" -c "$1/nginx.conf" -e "$1/error.log" & n=$!
            while kill -0 $n 2>/dev/null && ! [ -s "$1/pid" ]; do sleep 0.05; done
            echo started; cat >/dev/null; kill -TERM $n; wait $n
            """
        let (lines, said) = AsyncStream.makeStream(of: String.self)
        let child = try LineChild.start(
            executable: "/bin/sh", arguments: ["-c", script, program, path], variables: [],
            onLine: { said.yield($0) }, onEnd: { _ in said.finish() })
        defer { child.stop() }
        var iterator = lines.makeAsyncIterator()
        guard await iterator.next() != nil, let first = try? BenchConnection(port: port),
            let answer = try? first.post("/v1/call", [], [1]), answer.status == 200
        else {
            let log = (try? Files.read(path + "/error.log", limit: 1 << 16)) ?? []
            throw Fault(.noInput, "nginx did not start: \(String(decoding: log.prefix(300), as: UTF8.self))")
        }
        return (0..<runs).map { _ in
            closedLoop(port: port, bytes: requestBytes, seconds: seconds, connections: connections)
        }
    }

    private static func configuration(_ path: String, _ port: Int, _ answerBytes: Int) -> String {
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(path)/\($0);" }
        return """
            daemon off; worker_processes auto; pid \(path)/pid; error_log \(path)/error.log;
            events { worker_connections 4096; }
            http {
                access_log off; keepalive_requests 1000000000; keepalive_timeout 60s;
                client_body_buffer_size 64k; default_type application/octet-stream;
                \(temporary.joined(separator: " "))
                server {
                    listen 127.0.0.1:\(port);
                    location / { return 200 "\(String(repeating: "x", count: max(1, answerBytes - 170)))"; }
                }
            }
            """
    }

    /// One that was free a moment ago.
    private static func freePort() throws -> Int {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        guard status else { throw Fault(.osError, "no port is free") }
        return Int(in_port_t(bigEndian: address.sin_port))
    }

    /// The same bytes again and again over the same number of connections as the hosts have.
    private static func closedLoop(port: Int, bytes: Int, seconds: Double, connections: Int) -> Double {
        let calls = Mutex(0)
        let clock = ContinuousClock()
        let start = clock.now
        let threads = ThreadGroup(connections) { _ in
            guard let connection = try? BenchConnection(port: port) else { return }
            let body = [UInt8](repeating: 1, count: max(1, bytes - 80))
            var mine = 0
            while clock.now < start + .seconds(seconds), (try? connection.post("/v1/call", [], body))?.status == 200 {
                mine += 1
            }
            calls.withLock { $0 += mine }
        }
        threads.wait()
        return Double(calls.withLock { $0 }) / start.duration(to: clock.now).inSeconds
    }
}

/// A script of `Benchmarks/peers` that prints a number of tasks per second for each run.
struct ScriptPeer {
    /// - Parameter limitSeconds: then it is killed, and what it has printed counts.
    /// - Returns: empty when it cannot run here.
    static func run(
        python: String, script: String, runs: Int, seconds: Double, limitSeconds: Double
    ) async -> [Double] {
        let (lines, said) = AsyncStream.makeStream(of: String.self)
        let started = try? LineChild.start(
            executable: python, arguments: [script, "\(runs)", "\(seconds)"], variables: [],
            onLine: { said.yield($0) }, onEnd: { _ in said.finish() })
        guard let child = started else { return [] }
        let timer = Task {
            try await Task.sleep(for: .seconds(limitSeconds))
            child.stop()
        }
        defer { timer.cancel() }
        var figures: [Double] = []
        for await line in lines {
            if let figure = Double(line) { figures.append(figure) }
        }
        return figures
    }
}
