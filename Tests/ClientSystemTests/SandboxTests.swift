import CPosix
import Domain
import Glibc
import Testing
import WorkerHost

/// What a scientist's comparing program can and cannot do.
@Suite("Sandbox")
struct SandboxTests {
    /// Containers without namespaces have none; there the one test below says what is told instead.
    static let isThere: Bool = {
        do throws(Fault) { return try run("exit 0").isEmpty } catch { return error.kind != .configuration }
    }()

    static func run(
        _ script: String, arguments: [String] = [], files: [String: [UInt8]] = [:], seconds: Double = 20,
        outputBytesMax: Int = 1000
    ) throws(Fault) -> [UInt8] {
        let program = SandboxedProgram(
            name: "probe.sh", program: Array("#!/bin/sh\n\(script)\n".utf8), arguments: arguments,
            folders: ["first": files.map { SandboxedProgram.File(name: $0.key, bytes: $0.value) }],
            timeoutSeconds: seconds, outputBytesMax: outputBytesMax)
        return try program.run()
    }

    static func words(_ script: String) throws(Fault) -> String { String(decoding: try run(script), as: UTF8.self) }

    @Test("Without a sandbox nothing runs, and what to install is told")
    func noSandbox() throws {
        do throws(Fault) { #expect(try Self.words("echo runs") == "runs\n") } catch {
            #expect(error.kind == .configuration && error.message.hasPrefix("there is no sandbox"))
            #expect(error.advice?.contains("namespaces") == true)
        }
    }

    @Test("It gets its arguments and its folders, and what it writes comes back", .enabled(if: isThere))
    func works() throws {
        let bytes = (0..<70_000).map { UInt8(truncatingIfNeeded: $0) }
        let output = try Self.run(
            #"echo "$1 $2"; wc -c < /first/data; cat /first/note"#, arguments: ["a b", "$HOME"],
            files: ["data": bytes, "note": Array("last".utf8)])
        #expect(String(decoding: output, as: UTF8.self) == "a b $HOME\n70000\nlast")
        #expect(try Self.run("exit 0").isEmpty)
    }

    /// Each writes `open` when it gets through.
    static let escapes: [(name: String, script: String)] = [
        ("the home of the server's user", "ls \(home()) && echo open"),
        ("the password file", "cat /etc/passwd && echo open"),
        ("the host's temporary files", "test -e /tmp/probe-\(getpid()) && echo open"),
        ("its own file", "echo x >> /program/probe.sh && echo open"),
        ("a file beside its own", "echo x > /program/other && echo open"),
        ("the results", "echo x > /first/data && echo open"),
        ("the root", "echo x > /x && echo open"),
        ("shared memory", "echo x > /dev/shm/x && echo open"),
        ("the system's programs", "echo x > /usr/bin/x && echo open"),
        ("other processes", "test -e /proc/\(getpid())/cmdline && echo open"),
        ("a signal to a process outside", "kill -0 \(getpid()) && echo open"),
        ("a network card", "grep -E '^ *(e|w)[a-z0-9]+:' /proc/net/dev && echo open"),
        ("root", "test \"$(id -u)\" = 0 && echo open"),
        ("a setting of the kernel", "echo 10 > /proc/sys/kernel/printk_ratelimit_burst && echo open"),
        ("a program for core dumps", "cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern && echo open"),
        ("the mode of a device", "chmod 666 /dev/full && echo open"),
        ("namespaces of its own", "unshare -Ur true && echo open"),
        ("a control group", "unshare -Urm mount -t cgroup2 none /tmp && echo open"),
        ("a privileged system call", "mount -t tmpfs none /tmp && echo open"),
        ("a device", "mknod /tmp/disk b 8 0 && echo open"),
        ("an inherited descriptor", "for f in 3 4 5 6 7 8 9; do test -e /proc/self/fd/$f && echo open; done"),
        ("the environment", "test -n \"$MILLRACE_TOKEN$SSH_AUTH_SOCK$USER\" && echo open"),
        ("more temporary space than it has", "head -c 80000000 /dev/zero > /tmp/x 2>/dev/null && echo open"),
    ]

    private static func home() -> String { getenv("HOME").map { String(cString: $0) } ?? "/root" }

    @Test("Escapes are denied", .enabled(if: isThere), arguments: escapes.map(\.name))
    func escape(name: String) throws {
        let script = try #require(SandboxTests.escapes.first { $0.name == name }).script
        let probe = "/tmp/probe-\(getpid())"
        close(open(probe, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
        let words = try Self.words("(\(script)) 2>/dev/null; true")
        #expect(!words.contains("open"), "\(words)")
    }

    @Test("Another code than 0, a signal, and time: told with its last words", .enabled(if: isThere))
    func failures() throws {
        func fault(_ script: String, seconds: Double = 20) -> Fault? {
            do throws(Fault) {
                _ = try Self.run(script, seconds: seconds)
                return nil
            } catch { return error }
        }
        let code = try #require(fault("echo it is broken >&2; exit 3"))
        #expect(code.kind == .badData && code.message == "it ended with exit code 3: it is broken ")
        let signal = try #require(fault("kill -SEGV $$"))
        #expect(signal.kind == .badData && signal.message.hasPrefix("it ended with signal \(SIGSEGV)"))
        let late = try #require(fault("sleep 100 & sleep 100", seconds: 0.5))
        #expect(late.kind == .interrupted && late.message == "it did not end within 0.5 s")
        let interpreter = SandboxedProgram(
            name: "probe", program: Array("#!/nowhere/interpreter\n".utf8), arguments: [], folders: [:],
            timeoutSeconds: 20, outputBytesMax: 1)
        #expect { _ = try interpreter.run() } throws: {
            ($0 as? Fault)?.message == "cannot start /program/probe: No such file or directory"
        }
        let memory = try #require(fault("x=0123456789abcdef; while :; do x=$x$x; done", seconds: 300))
        #expect(memory.kind == .badData)
    }

    @Test("Several processes that take more memory together than allowed end", .enabled(if: isThere))
    func memoryTogether() throws {
        let program = SandboxedProgram(
            name: "probe.sh", program: Array("#!/bin/sh\n\(EnclosedRunTests.oneAfterTheOther)\n".utf8),
            arguments: [], folders: [:], timeoutSeconds: 900, outputBytesMax: 1, memoryBytesMax: 128 << 20)
        #expect { _ = try program.run() } throws: {
            ($0 as? Fault)?.kind == .badData && ($0 as? Fault)?.message.contains("; 128 are allowed") == true
        }
    }

    @Test("Who no longer waits for the answer ends it at once", .enabled(if: isThere))
    func unwanted() throws {
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        defer { close(ends[0]) }
        close(ends[1])
        let program = SandboxedProgram(
            name: "probe.sh", program: Array("#!/bin/sh\nsleep 1000\n".utf8), arguments: [], folders: [:],
            timeoutSeconds: 900, outputBytesMax: 1, whoAsks: ends[0])
        #expect { _ = try program.run() } throws: { ($0 as? Fault)?.kind == .osError }
    }

    @Test("It may start some processes, and not any number", .enabled(if: isThere))
    func processes() throws {
        func start(_ count: Int) throws(Fault) -> String {
            try Self.words("n=0; while [ $n -lt \(count) ]; do sleep 5 & n=$((n+1)); done; echo $n")
        }
        #expect(try start(40) == "40\n")
        #expect { _ = try start(400) } throws: { ($0 as? Fault)?.message.contains("fork") == true }
    }

    @Test("Output beyond its bound is dropped, and what was started ends with it", .enabled(if: isThere))
    func bounds() throws {
        #expect(try Self.run("yes | head -c 5000000", outputBytesMax: 64).count == 64)
        let name = "4\(getpid()).25"
        _ = try Self.run("sleep \(name) >/dev/null 2>&1 & exit 0")
        let running = try Files.names(in: "/proc").contains { entry in
            guard let bytes = try? Files.read("/proc/\(entry)/cmdline", limit: 4096) else { return false }
            return String(decoding: bytes, as: UTF8.self).contains(name)
        }
        #expect(!running)
    }
}
