import CPosix
import Domain
import Glibc
import Synchronization
import Testing
import Wire
import WorkerHost

@Suite("Worker runs")
struct WorkerRunTests {
    static func start(_ folder: TemporaryFolder, _ script: String) throws -> WorkerRun {
        let program = try folder.script("fake-worker", script)
        let slot = folder.path + "/slot"
        try Files.makeFolder(slot)
        var job = WireRunJob()
        job.checkpointSeconds = 7
        return try WorkerRun.start(executable: program, directory: slot, job: job)
    }

    @Test("The worker is told its folder, finds its job there, and its end is known")
    func exitCode() throws {
        let folder = try TemporaryFolder()
        let run = try Self.start(folder, #"test "$1" = run && test -s "$2/job" && pwd && echo words >&2 && exit 3"#)
        let exit = run.wait()
        #expect(exit.exit.code == 3)
        #expect(exit.exit.signal == nil)
        #expect(exit.lastWords.hasSuffix("words"))
        #expect(try folder.text("slot/log").contains("/slot\nwords\n"))
        #expect(run.poll() == exit)
    }

    @Test("A crash is told by its signal, and no zombie stays")
    func crash() throws {
        let folder = try TemporaryFolder()
        let run = try Self.start(folder, "kill -SEGV $$")
        let exit = run.wait()
        #expect(exit.exit.signal == SIGSEGV)
        #expect(exit.exit.reason.hasPrefix("signal 11"))
        #expect(kill(run.pid, 0) != 0 && errno == ESRCH)
    }

    @Test("Stop, continue, terminate: the whole group hears it")
    func signals() throws {
        let folder = try TemporaryFolder()
        // It starts nothing once it is ready: a shell that is stopped while it starts a program waits for that, and is
        // not seen as stopped.
        let run = try Self.start(
            folder, "trap 'echo saved > saved; exit 75' TERM\nsleep 1000 &\necho ready > ready\nwait")
        #expect(eventually { Files.exists(folder.path + "/slot/ready") })
        run.suspend()
        #expect(eventually { Self.state(run.pid) == "T" })
        run.resume()
        #expect(eventually { Self.state(run.pid) != "T" })
        run.suspend()
        #expect(eventually { Self.state(run.pid) == "T" })
        // A stopped worker hears the request to leave, too.
        run.terminate()
        #expect(run.wait().exit.code == 75)
        #expect(try folder.text("slot/saved") == "saved\n")
    }

    @Test("A worker that ignores everything can be killed, with its children")
    func killGroup() throws {
        let folder = try TemporaryFolder()
        let run = try Self.start(
            folder, "trap '' TERM INT HUP\nsleep 1000 &\necho $! > child.new; mv child.new child\nwait")
        #expect(eventually { Files.exists(folder.path + "/slot/child") })
        let child = try #require(pid_t(try folder.text("slot/child").filter { $0.isNumber }))
        run.kill()
        #expect(run.wait().exit.signal == SIGKILL)
        // A killed orphan is gone when its new parent has collected it, or is a zombie until then.
        #expect(eventually { Self.state(child) == nil || Self.state(child) == "Z" })
    }

    @Test("Its end does not wait for what it left behind")
    func leftovers() throws {
        let folder = try TemporaryFolder()
        let run = try Self.start(folder, "sleep 1000 &\nexit 0")
        let started = millrace_monotonic_seconds()
        #expect(run.wait().exit.code == 0)
        #expect(millrace_monotonic_seconds() - started < 500)
    }

    @Test("A worker that talks without end fills neither the log nor the memory")
    func boundedLog() throws {
        let folder = try TemporaryFolder()
        let run = try Self.start(folder, "head -c 3000000 /dev/zero | tr '\\0' 'x' >&2; echo last >&2")
        let exit = run.wait()
        #expect(exit.lastWords.hasSuffix("last"))
        #expect(exit.lastWords.utf8.count <= 2000)
        #expect(Files.size(folder.path + "/slot/log") == Limits.workerLogBytesMax)
    }

    @Test("The standard input ends with the parent's interest, and nothing else is inherited")
    func descriptors() throws {
        let folder = try TemporaryFolder()
        let run = try Self.start(folder, "ls /proc/self/fd | wc -l > count; env | cut -d= -f1 | sort > names; exit 0")
        _ = run.wait()
        // 0, 1, 2 and the one that `ls` opens on the folder; the shell's redirection is on 1.
        #expect(try folder.text("slot/count").filter { $0.isNumber } == "4")
        let allowed: Set = [
            "PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "PWD",
            "OLDPWD", "SHLVL", "_",
        ]
        for name in try folder.text("slot/names").split(separator: "\n") {
            #expect(allowed.contains(String(name)), "\(name) was passed on")
        }
    }

    @Test("CPU seconds are the kernel's, descendants included")
    func accounting() throws {
        let folder = try TemporaryFolder()
        let run = try Self.start(folder, "( i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done ); exit 0")
        #expect(run.wait().exit.cpuSeconds > 0.05)
    }

    @Test("A program that is not there is a clear failure")
    func noProgram() throws {
        let folder = try TemporaryFolder()
        let kind = TransportTests.kind { () throws(Fault) in
            _ = try WorkerRun.start(executable: folder.path + "/nothing", directory: folder.path, job: WireRunJob())
        }
        #expect(kind == .noInput)
    }

    @Test("The end is announced once")
    func announced() throws {
        let folder = try TemporaryFolder()
        let program = try folder.script("fake", "exit 4")
        let count = Announcements()
        let run = try WorkerRun.start(executable: program, directory: folder.path, job: WireRunJob()) { exit in
            count.add(exit.exit.code ?? -1)
        }
        run.wait()
        #expect(eventually { count.all == [4] })
    }

    final class Announcements: Sendable {
        private let codes = Mutex<[Int32]>([])
        func add(_ code: Int32) { codes.withLock { $0.append(code) } }
        var all: [Int32] { codes.withLock { $0 } }
    }

    /// The letter of `/proc/PID/stat`; nil when the process is gone.
    static func state(_ pid: pid_t) -> Character? {
        guard let file = fopen("/proc/\(pid)/stat", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 512)
        guard fgets(&line, 512, file) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return nil }
        return text[text.index(after: end)...].first { $0 != " " }
    }
}

@Suite("Worker servants")
struct WorkerServantTests {
    static func describe() -> WireWorkerJob {
        var job = WireWorkerJob()
        job.describe = WireDescribeJob()
        return job
    }

    /// A servant whose program answers each frame by this shell text; `$1` is `serve`.
    static func servant(_ folder: TemporaryFolder, _ script: String) throws -> WorkerServant {
        WorkerServant(executable: try folder.script("fake-servant", script))
    }

    static func fault(_ servant: WorkerServant, timeout: Double = 300) -> Fault? {
        do throws(Fault) { _ = try servant.perform(describe(), timeoutSeconds: timeout) } catch { return error }
        return nil
    }

    @Test("A crash names the signal and the child's last words, and costs one job")
    func crash() throws {
        let folder = try TemporaryFolder()
        let servant = try Self.servant(folder, "echo boom >&2; kill -ABRT $$")
        for _ in 0..<2 {
            let fault = try #require(Self.fault(servant))
            #expect(fault.kind == .software)
            #expect(fault.message.contains("signal 6"))
            #expect(fault.message.contains("boom"))
            #expect(fault.message.contains("listing the apps"))
        }
        #expect(servant.pid == nil)
    }

    @Test("A child that does not answer in time is killed")
    func timeOut() throws {
        let folder = try TemporaryFolder()
        let servant = try Self.servant(folder, "exec sleep 1000")
        let started = millrace_monotonic_seconds()
        let fault = try #require(Self.fault(servant, timeout: 0.3))
        #expect(fault.message.contains("did not answer in time"))
        #expect(fault.kind == .interrupted)
        #expect(millrace_monotonic_seconds() - started < 500)
        #expect(servant.pid == nil)
    }

    @Test("A child that is killed from outside says nothing about its job")
    func killed() throws {
        let folder = try TemporaryFolder()
        let fault = try #require(Self.fault(try Self.servant(folder, "kill -KILL $$")))
        #expect(fault.kind == .interrupted && fault.message.contains("signal 9"))
    }

    @Test("A child that announces too much, or answers nonsense, is not believed")
    func nonsense() throws {
        let folder = try TemporaryFolder()
        let large = try Self.servant(folder, #"printf '\377\377\377\377'; sleep 1000"#)
        #expect(Self.fault(large)?.message.contains("announced") == true)
        let other = try TemporaryFolder()
        let garbage = try Self.servant(other, #"printf '\003\000\000\000abc'; sleep 1000"#)
        #expect(Self.fault(garbage)?.message.contains("nonsense") == true)
    }

    @Test("An answer to another job is not taken for this one's")
    func otherNumber() throws {
        let folder = try TemporaryFolder()
        // number = 99, catalogue = {}
        let servant = try Self.servant(folder, #"printf '\004\000\000\000\010\143\042\000'; sleep 1000"#)
        #expect(Self.fault(servant)?.message.contains("another job") == true)
    }

    @Test("A good answer comes back, and the child stays for the next job")
    func goodAnswer() throws {
        let folder = try TemporaryFolder()
        // Numbers 1 and 2, each answered after the frame of four bytes and the job of at least four has come.
        let servant = try Self.servant(
            folder,
            #"""
            head -c 8 >/dev/null; printf '\004\000\000\000\010\001\042\000'
            head -c 8 >/dev/null; printf '\004\000\000\000\010\002\042\000'
            sleep 1000
            """#)
        let first = try servant.perform(Self.describe(), timeoutSeconds: 300)
        #expect(first.catalogue.apps.isEmpty)
        let pid = servant.pid
        _ = try servant.perform(Self.describe(), timeoutSeconds: 300)
        #expect(servant.pid == pid)
        servant.stop()
        #expect(servant.pid == nil)
    }
}
