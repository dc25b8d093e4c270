import Foundation
import Glibc
import TestChild
import Testing

/// The files of `server/deploy`, with the programs that read them.
@Suite("Deployment", .placed, .serialized)
struct DeployTests {
    private static func found(_ name: String) -> String? {
        let folders = ["/usr/sbin", "/usr/bin", repositoryRoot.appending(path: ".build/nginx/usr/sbin").path]
        return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private func tool(_ path: String, _ arguments: [String], in folder: TemporaryFolder) async throws
        -> Programs.Outcome
    {
        let (out, errors) = (folder.path("tool-\(UUID().uuidString)"), folder.path("tool-\(UUID().uuidString)"))
        let running = try Running(path, arguments, outputPath: out, errorPath: errors)
        let status = await running.wait(limitSeconds: 120)
        return Programs.Outcome(
            status: status, output: try String(contentsOfFile: out, encoding: .utf8),
            errors: try String(contentsOfFile: errors, encoding: .utf8))
    }

    @Test(
        "systemd takes the unit, alone and with its drop-in, and finds little to expose",
        .enabled(if: found("systemd-analyze") != nil))
    func unit() async throws {
        let systemd = try #require(Self.found("systemd-analyze"))
        let folder = try TemporaryFolder()
        let deploy = repositoryRoot.appending(path: "server/deploy")
        let text = try String(contentsOf: deploy.appending(path: "millrace-server.service"), encoding: .utf8)
        let unit = folder.path("millrace-server.service")
        try text.replacingOccurrences(of: "/usr/bin/millrace-server", with: Programs.path("millrace-server"))
            .write(toFile: unit, atomically: true, encoding: .utf8)
        let verify = try await tool(systemd, ["verify", "--man=no", unit], in: folder)
        #expect(verify.status == 0 && verify.errors.isEmpty, "\(verify.errors)")
        let security = try await tool(systemd, ["security", "--offline=yes", "--threshold=20", unit], in: folder)
        #expect(security.status == 0, "\(security.output.suffix(200))")
        try FileManager.default.createDirectory(
            atPath: unit + ".d", withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: deploy.appending(path: "comparing-programs.conf").path, toPath: unit + ".d/comparing-programs.conf")
        let wider = try await tool(systemd, ["verify", "--man=no", unit], in: folder)
        #expect(wider.status == 0 && wider.errors.isEmpty, "\(wider.errors)")
    }

    @Test("The example of a configuration is one")
    func example() async throws {
        let site = try Site()
        let path = repositoryRoot.appending(path: "server/deploy/server.conf").path
        // Flags win: here the address.
        try await site.startServer(["--config", path])
        #expect(await site.server?.stop() == 0)
    }

    @Test("Whatever the umask, only what is public can be read by others", arguments: ["022", "077"])
    func modes(umask: String) async throws {
        let folder = try TemporaryFolder()
        let data = folder.path("server")
        let run = "umask \(umask); exec \"$0\" run --data \"$1\" --listen 127.0.0.1:0"
        let server = try Running(
            "/bin/sh", ["-c", run, Programs.path("millrace-server"), data], outputPath: folder.path("log"),
            errorPath: folder.path("log"))
        defer { server.killNow() }
        let mode = { (name: String) in
            try? FileManager.default.attributesOfItem(atPath: data + "/" + name)[.posixPermissions] as? Int
        }
        #expect(try await eventually { mode("stats/tables.xml") != nil && mode("log/key") != nil })
        for name in ["stats", "log"] { #expect(mode(name) == 0o755, "\(name)") }
        for name in ["stats/tables.xml", "stats/user.gz", "log/key"] { #expect(mode(name) == 0o644, "\(name)") }
        for name in ["", "results", "keys"] { #expect(mode(name) == 0o700, "\(name)") }
        let secret = [
            "millrace.sqlite", "millrace.sqlite-wal", "blobs/small.sqlite", "admin.token", "keys/project.key",
        ]
        for name in secret { #expect(mode(name) == 0o600, "\(name)") }
    }

    @Test(
        "nginx hands on the address it saw, keeps private paths private, and submits once",
        .enabled(if: found("nginx") != nil && found("openssl") != nil && found("curl") != nil))
    func handedOn() async throws {
        let folder = try TemporaryFolder()
        let script = repositoryRoot.appending(path: "scripts/nginx-conf-check.sh").path
        let nginx = try #require(Self.found("nginx"))
        let outcome = try await tool(
            script, [nginx, folder.path("nginx"), "\(try FreePort.find(inRow: 4))"], in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test(
        "Behind nginx with TLS: attach, submit, compute, and a renewed certificate without a restart",
        .enabled(if: found("nginx") != nil && found("openssl") != nil))
    func nginx() async throws {
        let site = try Site()
        try await site.startServer(["--trust-proxy", "127.0.0.1"])
        let proxy = try await Proxy(site)
        defer { proxy.stop() }
        try await proxy.start()
        let url = "https://localhost:\(proxy.port)"
        let trusting = ["MILLRACE_CA_FILE": proxy.certificate]
        let project = try SmallProject.make(in: site.folder, quorum: 1)
        let submit = try await Programs.run(
            "millrace", ["submit", project, "--server", url, "--token-file", site.token], environment: trusting)
        #expect(submit.status == 0, "\(submit.errors) \(proxy.log)")
        let attach = ["attach", url, "--name", "Ada", "--data", site.folder.path("Ada")]
        let stranger = try await Programs.run("millrace-client", attach)
        #expect(stranger.status == 69 && stranger.errors.contains("encrypted connection"), "\(stranger.errors)")
        let attached = try await Programs.run("millrace-client", attach, environment: trusting)
        #expect(attached.status == 0, "\(attached.errors) \(proxy.log)")
        let log = site.folder.path("ada.log")
        let ada = try Running(
            "millrace-client", ["run", "--always", "--cores", "1", "--data", site.folder.path("Ada")],
            environment: trusting, outputPath: log, errorPath: log)
        let done = { try await site.json(["status", "1"]).number("units_validated") }
        #expect(try await eventually { try await done() >= 1 }, "\(site.logText("ada.log")) \(proxy.log)")
        #expect(await ada.stop() == 0)
        let status = ["status", "--server", url, "--token-file", site.token]
        try await renew(proxy, in: site.folder) { trusted in
            try await Programs.run("millrace", status, environment: ["MILLRACE_CA_FILE": trusted])
        }
        #expect(await site.server?.stop() == 0)
        // And when nobody is behind it, clients are told so.
        let gone = try await Programs.run("millrace", status, environment: trusting)
        #expect(gone.status == 69 && gone.errors.contains("does not answer"), "\(gone.errors)")
    }

    /// The certificate is renewed: whoever trusts both, as one who trusts their authority does, notices nothing;
    /// whoever knows only the old one turns away in the end. For a while a worker of nginx that still shows the old
    /// one may answer.
    private func renew(
        _ proxy: Proxy, in folder: TemporaryFolder, asking ask: (_ trusted: String) async throws -> Programs.Outcome
    ) async throws {
        let (old, both) = (folder.path("old.pem"), folder.path("both.pem"))
        try FileManager.default.copyItem(atPath: proxy.certificate, toPath: old)
        #expect(try await ask(old).status == 0)
        try await proxy.renewCertificate {
            let certificates = try [old, proxy.certificate].map { try String(contentsOfFile: $0, encoding: .utf8) }
            try certificates.joined().write(toFile: both, atomically: true, encoding: .utf8)
        }
        var broken: [String] = []
        let isTakenUp = try await eventually {
            let answer = try await ask(both)
            if answer.status != 0 { broken.append(answer.errors) }
            let (new, former) = (try await ask(proxy.certificate), try await ask(old))
            return new.status == 0 && former.status == 69
        }
        #expect(isTakenUp && broken.isEmpty, "\(broken)")
    }
}

/// nginx with the configuration of `server/deploy`, on ports and with a certificate of its own.
private final class Proxy {
    private let site: Site
    private let folder: TemporaryFolder
    private let program: String
    private var running: Running?
    let port: Int
    var certificate: String { folder.path("fullchain.pem") }
    var log: String { (try? String(contentsOfFile: folder.path("error.log"), encoding: .utf8)) ?? "" }

    init(_ site: Site) async throws {
        self.site = site
        folder = try TemporaryFolder()
        let unpacked = repositoryRoot.appending(path: ".build/nginx/usr/sbin/nginx").path
        program = FileManager.default.isExecutableFile(atPath: "/usr/sbin/nginx") ? "/usr/sbin/nginx" : unpacked
        port = try FreePort.find()
        try await makeCertificate()
        let deploy = repositoryRoot.appending(path: "server/deploy/nginx.conf")
        let upstream = String(site.url.dropFirst("http://".count))
        let text = try String(contentsOf: deploy, encoding: .utf8)
            .replacingOccurrences(of: "    listen [::]:443 ssl http2 backlog=4096;\n", with: "")
            .replacingOccurrences(of: "    listen [::]:80;\n", with: "")
            .replacingOccurrences(of: "listen 443", with: "listen 127.0.0.1:\(port)")
            .replacingOccurrences(of: "listen 80;", with: "listen 127.0.0.1:\(try FreePort.find());")
            .replacingOccurrences(of: "127.0.0.1:8080", with: upstream)
            .replacingOccurrences(of: "/etc/letsencrypt/live/millrace.example.org", with: folder.url.path)
        try text.write(toFile: folder.path("site.conf"), atomically: true, encoding: .utf8)
        let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        let paths = kinds.map { "\($0)_temp_path \(folder.path($0));" }.joined(separator: " ")
        try """
        daemon off;
        \(geteuid() == 0 ? "user root;" : "")
        worker_processes 1;
        pid \(folder.path("nginx.pid"));
        error_log \(folder.path("error.log")) warn;
        events { worker_connections 256; }
        http {
            access_log off;
            \(paths)
            include \(folder.path("site.conf"));
        }
        """.write(toFile: folder.path("nginx.conf"), atomically: true, encoding: .utf8)
    }

    func start() async throws {
        running = try Running(
            program, ["-p", folder.url.path, "-c", folder.path("nginx.conf"), "-e", folder.path("error.log")],
            outputPath: folder.path("out"), errorPath: folder.path("out"))
        let answers = try await eventually(limitSeconds: 60) { (try? KeptConnection(port: port)) != nil }
        try #require(answers, "nginx did not start: \(log)")
    }

    /// Waits for its end: killed before that, it would leave its worker behind.
    func stop() {
        guard let process = running?.process, process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }

    func renewCertificate(_ beforeItIsTakenUp: () throws -> Void) async throws {
        try await makeCertificate()
        try beforeItIsTakenUp()
        kill(try #require(running?.pid), SIGHUP)
    }

    private func makeCertificate() async throws {
        let arguments = [
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost", "-keyout", folder.path("privkey.pem"), "-out", certificate,
        ]
        let openssl = try Running(
            "/usr/bin/openssl", arguments, outputPath: folder.path("out"), errorPath: folder.path("out"))
        try #require(await openssl.wait(limitSeconds: 60) == 0)
    }
}

private enum FreePort {
    /// Free a moment ago: nginx takes no port 0.
    static func find() throws -> Int { try find(inRow: 1) }

    /// The first of so many that are free one after the other.
    static func find(inRow count: Int) throws -> Int {
        for _ in 0..<50 {
            var sockets: [Int32] = []
            defer { for socket in sockets { close(socket) } }
            var ports: [Int] = []
            while ports.count < count, let (socket, port) = bound(to: ports.last.map { $0 + 1 } ?? 0) {
                sockets.append(socket)
                ports.append(port)
            }
            if ports.count == count { return ports[0] }
        }
        throw TestChild.Failed(description: "no \(count) ports in a row are free")
    }

    private static func bound(to port: Int) -> (socket: Int32, port: Int)? {
        guard let wanted = UInt16(exactly: port) else { return nil }
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = wanted.bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, size) == 0 && getsockname(socket, $0, &size) == 0
            }
        }
        guard isBound else {
            close(socket)
            return nil
        }
        return (socket, Int(UInt16(bigEndian: address.sin_port)))
    }
}
