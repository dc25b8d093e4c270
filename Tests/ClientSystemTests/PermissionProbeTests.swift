import CPosix
import ClientCore
import ClientSystem
import Domain
import Glibc
import Testing
import WorkerHost

@Suite("A program that answers a question")
struct ShortCommandTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test("Its exit code and its output come back; it has no input")
    func answers() throws {
        let program = try folder.script("ask", "cat; echo \"$1 and $2\"; echo hidden >&2; exit 3")
        let outcome = try ShortCommand.run([program, "a b", "*"], timeLimitSeconds: 300)
        #expect(outcome.exit?.code == 3)
        #expect(outcome.output == "a b and *\n")
    }

    @Test("One that hangs is ended with all that it started")
    func hangs() throws {
        let program = try folder.script("ask", "echo begun; sleep 1000 & echo $! > '\(folder.path)/pid'; wait")
        let start = millrace_monotonic_seconds()
        let outcome = try ShortCommand.run([program], timeLimitSeconds: 0.3)
        #expect(outcome.exit == nil)
        #expect(outcome.output == "begun\n")
        #expect(millrace_monotonic_seconds() - start < 250)
        let pid = try #require(pid_t(try folder.text("pid").dropLast()))
        #expect(eventually { kill(pid, 0) != 0 })
    }

    @Test("One that ends while a child of its holds the output is not waited for any longer")
    func leavesChild() throws {
        let program = try folder.script("ask", "setsid sleep 20 & echo yes")
        let start = millrace_monotonic_seconds()
        #expect(try ShortCommand.run([program], timeLimitSeconds: 300).exit?.code == 0)
        #expect(millrace_monotonic_seconds() - start < 15)
    }

    @Test("One that writes without end costs no memory, and its time is over like that of others")
    func floods() throws {
        let outcome = try ShortCommand.run(["/bin/sh", "-c", "exec cat /dev/zero"], timeLimitSeconds: 0.3)
        #expect(outcome.exit == nil)
        #expect(outcome.output.utf8.count == 4096)
    }

    @Test("One that closes its output and goes on is waited for")
    func closesOutput() throws {
        let outcome = try ShortCommand.run(["/bin/sh", "-c", "exec >&-; sleep 0.2; exit 1"], timeLimitSeconds: 300)
        #expect(outcome.exit?.code == 1)
    }

    @Test("A program that is not there is named")
    func missing() throws {
        let fault = #expect(throws: Fault.self) {
            try ShortCommand.run(["\(folder.path)/none"], timeLimitSeconds: 1)
        }
        #expect(fault?.kind == .noInput)
        #expect(fault?.message.contains("/none") == true)
    }
}

@Suite("Price or carbon")
struct PermissionProbeTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    func byFile(_ text: String) throws -> ProbeReading.Value? {
        try folder.write("price", text)
        var settings = ProbeSettings()
        settings.permissionFile = "\(folder.path)/price"
        return PermissionProbe(settings: settings).read(now: probeNow)
    }

    @Test("The first line of a file decides")
    func file() throws {
        #expect(try byFile("yes\n") == .permission(true, reason: ""))
        #expect(try byFile("  No: 42 ct/kWh  \nyes\n") == .permission(false, reason: "42 ct/kWh"))
        #expect(try byFile("YES, the sun shines") == .permission(true, reason: "the sun shines"))
        #expect(try byFile("no\u{1B}[2J\u{202E}x") == .permission(false, reason: "?[2J?x"))
        for text in ["", "\nyes", "nope", "yesterday", "1", "y"] {
            #expect(why(try byFile(text))?.contains("neither yes nor no") == true, "\(text)")
        }
        #expect(
            try byFile("no " + String(repeating: "x", count: 1 << 20))
                == .permission(false, reason: String(repeating: "x", count: 200)))
    }

    @Test("A file that is a pipe, a folder or not there does not say")
    func noFile() throws {
        var settings = ProbeSettings()
        for (name, make) in [("pipe", { mkfifo($0, 0o600) }), ("folder", { mkdir($0, 0o700) }), ("none", { _ in 0 })]
            as [(String, (String) -> Int32)]
        {
            settings.permissionFile = "\(folder.path)/\(name)"
            #expect(make("\(folder.path)/\(name)") == 0)
            #expect(why(PermissionProbe(settings: settings).read(now: probeNow))?.contains("not a file") == true)
        }
    }

    func probe(command: String, minutes: Double = 5, seconds: Double = 300) throws -> PermissionProbe {
        var settings = ProbeSettings()
        settings.permissionCommand = [try folder.script("ask", "echo x >> '\(folder.path)/asked'; \(command)")]
        settings.permissionKeepSeconds = minutes * 60
        settings.permissionCommandSeconds = seconds
        return PermissionProbe(settings: settings)
    }

    @Test("A command's exit code decides, its first line is the reason, and its answer is kept")
    func command() throws {
        let yes = try probe(command: "echo cheap; echo more; exit 0")
        for _ in 0..<3 { #expect(yes.read(now: probeNow) == .permission(true, reason: "cheap")) }
        #expect(try folder.text("asked") == "x\n")
        #expect(try probe(command: "exit 1").read(now: probeNow) == .permission(false, reason: ""))
        let broken = try probe(command: "echo no network; exit 7")
        #expect(why(broken.read(now: probeNow))?.hasSuffix("/ask ended with exit code 7: no network") == true)
        #expect(why(try probe(command: "kill -9 $$").read(now: probeNow))?.contains("signal 9") == true)
        let always = try probe(command: "exit 0", minutes: 0)
        let before = try folder.text("asked").count
        for _ in 0..<3 { _ = always.read(now: probeNow) }
        #expect(try folder.text("asked").count == before + 6)
    }

    @Test("A command that hangs does not say, and is not started over and over")
    func hangs() throws {
        let probe = try probe(command: "sleep 1000", seconds: 0.2)
        #expect(why(probe.read(now: probeNow))?.contains("did not answer for 0 s") == true)
        #expect(why(probe.read(now: probeNow)) != nil)
        #expect(try folder.text("asked") == "x\n")
        var settings = ProbeSettings()
        settings.permissionCommand = ["/nowhere/ask"]
        #expect(why(PermissionProbe(settings: settings).read(now: probeNow))?.contains("/nowhere/ask") == true)
    }

    @Test("Where there are both, both must say yes")
    func both() throws {
        var settings = ProbeSettings()
        settings.permissionFile = "\(folder.path)/price"
        settings.permissionKeepSeconds = 0
        let script = { (code: Int) in
            settings.permissionCommand = ["/bin/sh", "-c", "echo from the command; exit \(code)"]
            return PermissionProbe(settings: settings).read(now: probeNow)
        }
        try folder.write("price", "yes from the file")
        #expect(script(0) == .permission(true, reason: "from the file"))
        #expect(script(1) == .permission(false, reason: "from the command"))
        #expect(why(script(2)) != nil)
        try folder.write("price", "no from the file")
        #expect(script(0) == .permission(false, reason: "from the file"))
    }
}
