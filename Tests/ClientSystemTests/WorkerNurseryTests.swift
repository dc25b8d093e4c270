import ClientCore
import ClientSystem
import Domain
import Glibc
import Synchronization
import Testing
import Wire
import WorkerHost

@Suite("Workers that are started while somebody decides")
struct WorkerNurseryTests {
    private static let task = TaskID(rawValue: 64)

    /// A program that ends at once, or waits for the end of its input.
    private static func start(
        _ folder: TemporaryFolder, _ script: String, onExit: @escaping @Sendable (WorkerExit) -> Void = { _ in }
    ) throws(Fault) -> WorkerRun {
        let path = folder.path + "/worker"
        if !Files.exists(path) { try Files.replace(path, with: Array("#!/bin/sh\n\(script)\n".utf8), mode: 0o755) }
        return try WorkerRun.start(executable: path, directory: folder.path, job: WireRunJob(), onExit: onExit)
    }

    @Test("A start that hangs on the disk keeps nobody waiting; its worker is there when it has started")
    func slowDisk() throws {
        let folder = try TemporaryFolder()
        let nursery = WorkerNursery()
        // Whoever opens it for writing waits until somebody reads.
        try #require(mkfifo(folder.path + "/\(RunFolder.log)", 0o600) == 0)
        BlockingThread.start("start") {
            try? nursery.bear(Self.task) { () throws(Fault) in try Self.start(folder, "cat") }
        }
        usleep(200_000)
        #expect(nursery.take().isEmpty)
        let log = open(folder.path + "/\(RunFolder.log)", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        defer { close(log) }
        let found = Mutex<WorkerRun?>(nil)
        #expect(
            eventually {
                if let run = nursery.take()[Self.task] { found.withLock { $0 = run } }
                return found.withLock { $0 != nil }
            })
        let run = try #require(found.withLock { $0 })
        #expect(nursery.take().isEmpty && run.poll() == nil)
        run.kill()
        #expect(run.wait().exit.signal == SIGKILL)
    }

    @Test("Nobody hears of a worker's end before it was taken in, however soon it ends")
    func soonEnded() throws {
        for _ in 0..<20 {
            let folder = try TemporaryFolder()
            let nursery = WorkerNursery()
            let wasThere = Mutex<Bool?>(nil)
            try nursery.bear(Self.task) { () throws(Fault) in
                let run = try Self.start(folder, "exit 3") { _ in
                    nursery.awaitBirth()
                    wasThere.withLock { $0 = nursery.take()[Self.task] != nil }
                }
                usleep(20_000)
                return run
            }
            #expect(eventually { wasThere.withLock { $0 != nil } })
            #expect(wasThere.withLock { $0 } == true)
        }
    }

    @Test("What is started after the end of its project is killed")
    func closed() throws {
        let folder = try TemporaryFolder()
        let nursery = WorkerNursery()
        nursery.close()
        let signal = Mutex<Int32?>(nil)
        try nursery.bear(Self.task) { () throws(Fault) in
            try Self.start(folder, "cat") { exit in signal.withLock { $0 = exit.exit.signal } }
        }
        #expect(eventually { signal.withLock { $0 == SIGKILL } })
    }
}
