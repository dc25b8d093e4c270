import CPosix
import Confinement
import Domain
import Glibc
import Synchronization
import Testing
import WorkerHost

/// Scientists' programs as a volunteer's client runs them: with an output folder, for long, stopped and continued.
@Suite("Enclosed programs", .enabled(if: SandboxTests.isThere))
struct EnclosedRunTests {
    static let worker = WorkerProgramFixture.worker

    static func enclosure(_ folder: TemporaryFolder, bytesMax: Int = 4 << 20) throws -> Enclosure {
        var enclosure = Enclosure(
            command: ["/program/run.sh"], environment: ["PATH=/usr/bin:/bin", "HOME=/tmp"], folder: "/output",
            bounds: Bounds(
                addressSpaceBytes: 1 << 30, fileBytes: 2 << 20, processes: 64, openFiles: 64, cpuSeconds: 600))
        try Files.makeFolder(folder.path + "/output")
        try folder.write("data", "some data\n")
        enclosure.inputs = [.init(path: folder.path + "/data", place: "/input/data")]
        enclosure.output = .init(path: folder.path + "/output", bytesMax: bytesMax, filesMax: 50)
        return enclosure
    }

    /// A script whose children take 20 MB each and keep it; each waits until the one before has it, since on a busy
    /// machine many would be under way at once.
    static let oneAfterTheOther = """
        n=0
        while :; do
            n=$((n + 1))
            (x=$(head -c 20000000 /dev/zero | tr '\\0' x); : > /tmp/$n; sleep 1000; echo ${#x}) &
            while [ ! -e /tmp/$n ]; do sleep 0.1; done
        done
        """

    static func start(
        _ folder: TemporaryFolder, _ script: String, bytesMax: Int = 4 << 20,
        change: (inout Enclosure) -> Void = { _ in }, onExit: (@Sendable (EnclosedRun.End) -> Void)? = nil
    ) throws -> EnclosedRun {
        var enclosure = try enclosure(folder, bytesMax: bytesMax)
        change(&enclosure)
        let program = EnclosedRun.Content(
            place: "/program/run.sh", bytes: Array("#!/bin/sh\n\(script)\n".utf8), isExecutable: true)
        return try EnclosedRun.start(
            enclosure, contents: [program], worker: worker, log: folder.path + "/log", onExit: onExit)
    }

    @Test("It reads its inputs, writes its output, and its end is told with its last words and what held it")
    func works() throws {
        let folder = try TemporaryFolder()
        let told = Mutex<EnclosedRun.End?>(nil)
        let run = try Self.start(folder, "cat /input/data > result; mkdir sub; echo working; echo words >&2; exit 3") {
            _ in
        } onExit: { end in
            told.withLock { $0 = end }
        }
        let end = run.wait()
        #expect(end.cause == .code(3) && end.reason == "exit code 3")
        #expect(end.lastWords == "working\nwords")
        #expect(end.layers.shortfall(of: .program) == nil)
        #expect(try folder.text("output/result") == "some data\n")
        #expect(try folder.text("log") == "working\nwords\n")
        #expect(eventually { told.withLock { $0 } == end })
        #expect(end.cpuSeconds > 0)
    }

    @Test("Its inputs, its program and the system cannot be changed; links out are not made")
    func readOnly() throws {
        let folder = try TemporaryFolder()
        let run = try Self.start(
            folder,
            """
            for place in /input/data /program/run.sh /usr/bin/x /x /proc/self/comm; do
                (echo x >> $place) 2>/dev/null && echo "open $place"
            done
            ln -s /etc/passwd link 2>/dev/null && echo "open link"
            rm -f /input/data 2>/dev/null && echo "open rm"
            cp /bin/true /output/true && chmod 755 /output/true
            /output/true 2>/dev/null && echo "open exec"
            true
            """)
        let end = run.wait()
        #expect(end.cause == .code(0) && end.lastWords.isEmpty, "\(end.lastWords)")
    }

    @Test("Stopped it stands still with all that it started, and goes on; asked to end it saves a checkpoint")
    func signals() throws {
        let folder = try TemporaryFolder()
        // Two processes that count: one that is waited for, one that has left its parent.
        let run = try Self.start(
            folder,
            """
            count() { n=0; while :; do n=$((n+1)); echo $n > $1.new; mv $1.new $1; done; }
            trap 'echo saved > checkpoint; exit 75' TERM
            (count one &)
            count two &
            while :; do wait; done
            """)
        func counts() -> [String?] { ["one", "two"].map { try? folder.text("output/\($0)") } }
        #expect(eventually { !counts().contains(nil) })
        run.suspend()
        // All threads of all its processes have stopped when their counts stay; on a busy machine, for long.
        var stopped = counts()
        #expect(
            eventually {
                stopped = counts()
                usleep(2_000_000)
                return counts() == stopped
            })
        run.resume()
        #expect(eventually { zip(counts(), stopped).allSatisfy { $0 != $1 } })
        #expect(eventually { run.cpuSeconds() ?? 0 > 0 })
        run.suspend()
        run.terminate()
        #expect(run.wait().cause == .code(75))
        #expect(try folder.text("output/checkpoint") == "saved\n")
        // The next run finds it.
        let next = try Self.start(folder, "cat checkpoint")
        #expect(next.wait().lastWords == "saved")
    }

    @Test("What ignores everything is killed with all that it started")
    func kills() throws {
        let folder = try TemporaryFolder()
        let name = "9\(getpid()).31"
        let run = try Self.start(folder, "trap '' TERM INT HUP\n(sleep \(name) &)\necho ready > ready\nsleep \(name)")
        #expect(eventually { Files.exists(folder.path + "/output/ready") })
        run.terminate()
        usleep(100_000)
        #expect(run.poll() == nil)
        run.kill()
        #expect(run.wait().cause == .signal(SIGKILL))
        #expect(
            eventually {
                let names = (try? Files.names(in: "/proc")) ?? []
                return !names.contains { pid in
                    let bytes = (try? Files.read("/proc/\(pid)/cmdline", limit: 4096)) ?? []
                    return String(decoding: bytes, as: UTF8.self).contains(name)
                }
            })
    }

    @Test("The kernel's word that a stopped group has lost its parent does not end it: SIGTERM with time to save does")
    func hangup() throws {
        let folder = try TemporaryFolder()
        let end = try Self.start(folder, "kill -HUP $$; echo alive").wait()
        #expect(end.cause == .code(0) && end.lastWords == "alive", "\(end)")
    }

    @Test("A signal that ends it is told as a signal")
    func crash() throws {
        let folder = try TemporaryFolder()
        #expect(try Self.start(folder, "kill -SEGV $$").wait().cause == .signal(SIGSEGV))
    }

    @Test("More memory than allowed, in one process or several, ends it and says so")
    func memory() throws {
        let folder = try TemporaryFolder()
        let one = try Self.start(
            folder, "x=0123456789abcdef; while :; do x=$x$x; done",
            change: {
                $0.memoryBytes = 64 << 20
            }
        ).wait()
        // Its own bound of address space may come first.
        guard case .memory(let words) = one.cause else {
            #expect(one.cause == .code(2), "\(one)")
            return
        }
        #expect(words.hasSuffix("64 are allowed"))
        let several = try Self.start(
            folder, Self.oneAfterTheOther,
            change: { $0.memoryBytes = 64 << 20 }
        ).wait()
        guard case .memory = several.cause else {
            Issue.record("\(several)")
            return
        }
    }

    @Test("More bytes or files than allowed end it and say so; one file has its own bound")
    func output() throws {
        let folder = try TemporaryFolder()
        let bytes = try Self.start(
            folder, "n=0; while :; do n=$(((n+1) % 6)); head -c 1000000 /dev/zero > f$n; done"
        ).wait()
        guard case .output(let words) = bytes.cause else {
            Issue.record("\(bytes)")
            return
        }
        #expect(words.hasSuffix("4194304 are allowed"))
        let other = try TemporaryFolder()
        let files = try Self.start(other, "n=0; while :; do n=$((n+1)); mkdir d$n 2>/dev/null; done").wait()
        #expect(files.cause == .output("more than 50 files are in the output folder"))
        let third = try TemporaryFolder()
        let large = try Self.start(third, "head -c 3000000 /dev/zero > f").wait()
        #expect(large.cause != .code(0))
        #expect(Files.size(third.path + "/output/f") ?? 0 <= 2 << 20)
    }

    @Test("What interpreters usually do works", .enabled(if: Files.exists("/usr/bin/python3")))
    func interpreter() throws {
        let folder = try TemporaryFolder()
        let python = """
            import asyncio, mmap, multiprocessing, os, signal, subprocess, tempfile, threading, time
            def work(x): return x * x
            def child(pipe): pipe.send(work(pipe.recv()))
            async def main():
                child = await asyncio.create_subprocess_exec('/bin/echo', 'hi', stdout=subprocess.PIPE)
                loop = asyncio.get_running_loop()
                return (await child.communicate())[0].strip(), await loop.run_in_executor(None, work, 3)
            if __name__ == '__main__':
                ours, theirs = multiprocessing.Pipe()
                process = multiprocessing.Process(target=child, args=(theirs,))
                process.start()
                ours.send(7)
                print(ours.recv(), process.join())
                print(subprocess.run(['timeout', '60', 'echo', 'sub'], capture_output=True).stdout)
                print(asyncio.run(main()))
                fired = []
                signal.signal(signal.SIGALRM, lambda *_: fired.append('alarm'))
                signal.setitimer(signal.ITIMER_REAL, 0.01)
                while not fired: time.sleep(0.01)
                print(fired[0])
                with tempfile.TemporaryFile() as file:
                    file.truncate(4096)
                    mmap.mmap(file.fileno(), 4096)[0:2] = b'ok'
                threading.Thread(target=lambda: print('thread')).start()
            """
        try folder.write("work.py", python)
        let end = try Self.start(
            folder, "exec /usr/bin/python3 /input/work.py",
            change: { $0.inputs = [.init(path: folder.path + "/work.py", place: "/input/work.py")] }
        ).wait()
        #expect(end.cause == .code(0), "\(end)")
        #expect(end.lastWords == "49 None\nb'sub\\n'\n(b'hi', 9)\nalarm\nthread")
    }

    @Test("A file that is no program is told as such; a missing worker, too")
    func notExecutable() throws {
        let folder = try TemporaryFolder()
        let end = try Self.start(folder, "", change: { $0.command = ["/program/other"] }).wait()
        #expect(end.cause == .notExecutable("cannot start /program/other: No such file or directory"))
        #expect {
            _ = try EnclosedRun.start(
                try Self.enclosure(folder), contents: [], worker: folder.path + "/nothing", log: nil)
        } throws: { ($0 as? Fault)?.kind == .noInput }
    }

    @Test(
        "Without one of the layers it does not run, and the reason is told",
        arguments: [SandboxLayer.landlock, .seccomp, .userNamespace])
    func incomplete(layer: SandboxLayer) throws {
        let folder = try TemporaryFolder()
        let end = try Self.start(folder, "echo ran > ran", change: { $0.leftOut = [layer] }).wait()
        guard case .noSandbox(let words) = end.cause else {
            Issue.record("\(end)")
            return
        }
        #expect(!words.isEmpty && !Files.exists(folder.path + "/output/ran"))
    }
}
