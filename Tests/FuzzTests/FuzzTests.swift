import Testing

/// Every target's share of the cases, one after another: a trap is then that of the target which is named.
@Suite("Changed messages", .serialized)
struct FuzzTests {
    /// What the process may have taken at its peak when all is done: alone, and beside other tests.
    static let memoryMax = FuzzRun.isAlone ? 512 << 20 : 2 << 30

    @Test func messages() async throws { try await FuzzRun.run(MessageTarget.init, share: 430) }
    @Test func hotPair() async throws { try await FuzzRun.run(HotTarget.init, share: 100) }
    @Test func containers() async throws { try await FuzzRun.run(ContainerTarget.init, share: 240) }
    @Test func client() async throws { try await FuzzRun.run(ClientTarget.init, share: 70) }
    @Test func scheduler() async throws { try await FuzzRun.run(SchedulerTarget.init, share: 40) }
    @Test func workerReplies() async throws { try await FuzzRun.run(WorkerReplyTarget.init, share: 30) }
    @Test func manifests() async throws { try await FuzzRun.run(ManifestTarget.init, share: 20) }
    @Test func tables() async throws { try await FuzzRun.run(TableTextTarget.init, share: 10) }
    @Test func registration() async throws { try await FuzzRun.run(RegistrationTarget.init, share: 10) }
    @Test func accounts() async throws { try await FuzzRun.run(AccountTarget.init, share: 10) }
    @Test func erasing() async throws { try await FuzzRun.run(EraseTarget.init, share: 10) }
    @Test func exports() async throws { try await FuzzRun.run(ExportTarget.init, share: 10) }
    @Test func submissions() async throws { try await FuzzRun.run(SubmissionTarget.init, share: 10) }
    @Test func tickets() async throws { try await FuzzRun.run(TicketTarget.init, share: 10) }

    @Test func whatBrokeAPromiseOnceIsTriedAgain() throws {
        try FuzzRun.runCorpus(try MessageTarget())
        try FuzzRun.runCorpus(try HotTarget())
        try FuzzRun.runCorpus(try ContainerTarget())
        try FuzzRun.runCorpus(try ClientTarget())
        try FuzzRun.runCorpus(try SchedulerTarget())
        try FuzzRun.runCorpus(try WorkerReplyTarget())
        try FuzzRun.runCorpus(try ManifestTarget())
        try FuzzRun.runCorpus(try RegistrationTarget())
        try FuzzRun.runCorpus(try AccountTarget())
        try FuzzRun.runCorpus(try EraseTarget())
        try FuzzRun.runCorpus(try ExportTarget())
        try FuzzRun.runCorpus(try SubmissionTarget())
        try FuzzRun.runCorpus(try TicketTarget())
        try FuzzRun.runCorpus(try TableTextTarget())
    }

    @Test func memoryStaysBounded() throws {
        let peak = try FuzzRun.peakMemory()
        print("fuzz: \(peak >> 20) MiB at the peak")
        #expect(peak < Self.memoryMax, "the process took \(peak >> 20) MiB")
    }

    /// The same seed gives the same cases, and another seed others.
    @Test func casesFollowFromSeedTargetAndNumber() throws {
        let target = try MessageTarget()
        func message(_ name: String, _ number: Int) -> [UInt8] {
            var random = FuzzRun.generator(name, number)
            return target.mutator.next(&random)
        }
        #expect(message("messages", 12) == message("messages", 12))
        #expect(Set((0..<500).map { message("messages", $0) }).count > 400)
        #expect(message("messages", 12) != message("client", 12))
    }
}
