import Bytes
import Domain
import Foundation
import Glibc
import Testing
import Wire
import WorkerHost

/// Units whose program a scientist wrote, from the unit to the result, with the real worker.
@Suite("Programs of units", .enabled(if: SandboxTests.isThere && Files.exists(WorkerProgramFixture.worker)))
struct UnitProgramTests {
    @Test("It finds its inputs, parameters and environment, and what it declared becomes the result")
    func works() throws {
        let fixture = try UnitProgramFixture()
        var unit = UnitProgramFixture.Unit(
            """
            pwd > out.txt
            echo "$MILLRACE_LABEL|$MILLRACE_FIRST|$MILLRACE_COUNT|$MILLRACE_INPUT|$MILLRACE_OUTPUT" >> out.txt
            echo "$HOME|$LANG|$OMP_NUM_THREADS|$1|$2" >> out.txt
            ls /input >> out.txt
            cat /input/note /input/rows.csv /input/stars /input/image /input/parameters.json >> out.txt
            (echo x > /input/note) 2> /dev/null && echo "input is open" >> out.txt
            echo 0.5 > progress; mkdir checkpoint; echo state > checkpoint/state; echo kept elsewhere > /tmp/scratch
            printf '\\000\\377' | cat - > bytes
            echo said; echo warned >&2
            """)
        unit.arguments = ["--order", "a b"]
        unit.results = ["out.txt", "bytes", "maybe?"]
        unit.sections = ["rows.csv": "x,y\n1,2\n"]
        let plain = try PlainContainer.encode(Array("a note\n".utf8))
        let table = try #require(Table(names: ["x", "y"], columns: [[1, -2.5], [1e-9, 3e20]]))
        let packed = try TableContainer.encode(table)
        for (name, bytes, packing) in [
            ("note", plain, InputPacking.plain), ("stars", packed, .table), ("image", Array("raw\n".utf8), .raw),
        ] {
            let path = "\(fixture.folder.path)/blob-\(name)"
            // As downloads are.
            try Files.replace(path, with: bytes, mode: 0o600)
            unit.inputs.append(
                (
                    InputReference(
                        name: name, digest: SHA256Hash.digest(of: bytes), size: Int64(bytes.count), packing: packing),
                    path
                ))
        }
        let exit = try fixture.end("slot", unit)
        #expect(exit.exit.code == 0, "\(exit.lastWords)")
        #expect(exit.lastWords == "said\nwarned")
        let files = try fixture.result("slot")
        #expect(files.keys.sorted() == ["bytes", "out.txt"])
        #expect(
            files["out.txt"] == """
                /output
                unit 5|50|10|/input|/output
                /tmp|C.UTF-8|1|--order|a b
                image
                note
                parameters.json
                rows.csv
                stars
                a note
                x,y
                1,2
                x,y
                1,1e-09
                -2.5,3e+20
                raw
                {"label": "unit 5", "first": 50, "count": 10}
                """)
        let progress = try #require(WorkerRun.progress(in: fixture.slot("slot")))
        #expect(progress.done && progress.fraction == 1 && progress.cpuSeconds > 0)
        #expect(progress.fingerprint.hasPrefix("solver/1.0 any sha256:"))
        #expect(!Files.exists(fixture.slot("slot") + "/program-input"))
    }

    @Test("An interpreter that the release names reads the script")
    func interpreter() throws {
        let fixture = try UnitProgramFixture()
        var unit = UnitProgramFixture.Unit("")
        unit.script = "import sys\nopen('out.txt', 'w').write(sys.argv[1])\n"
        unit.interpreter = "python3"
        unit.arguments = ["word"]
        #expect(try fixture.end("slot", unit).exit.code == 0)
        #expect(try fixture.result("slot") == ["out.txt": "word"])
        unit.interpreter = "no-such-interpreter"
        let exit = try fixture.end("other", unit)
        #expect(exit.exit.code == 78 && exit.lastWords.contains("this computer has no no-such-interpreter"))
    }

    @Test(
        "Its exit code decides what is told",
        arguments: [
            ("exit 65", Int32(65), "cannot be computed"), ("echo last; exit 3", 70, "exit code 3: last"),
            ("exit 75", 70, "exit code 75"), ("kill -SEGV $$", 70, "ended by signal 11"),
            ("kill -KILL $$", 70, "ended by signal 9"), ("exit 0", 70, "left no out.txt"),
        ])
    func exitCodes(script: String, code: Int32, words: String) throws {
        let fixture = try UnitProgramFixture()
        let exit = try fixture.end("slot", script)
        #expect(exit.exit.code == code && exit.lastWords.contains(words), "\(exit)")
        #expect(!fixture.hasResult("slot"))
    }

    @Test("A file that was not declared is an error that names it; so is a declared one that is none")
    func results() throws {
        let fixture = try UnitProgramFixture()
        let cases = [
            ("echo 1 > out.txt; echo 2 > more.txt", "left \"more.txt\", which is none of its results"),
            ("echo 1 > out.txt; mkdir folder", "left \"folder\""), ("mkdir out.txt", "out.txt as a folder"),
            ("echo 1 > out.txt; echo 2 > 'a b'", "left \"a b\""),
        ]
        for (at, (script, words)) in cases.enumerated() {
            let exit = try fixture.end("slot\(at)", script)
            #expect(exit.exit.code == 70 && exit.lastWords.contains(words), "\(exit)")
            #expect(!fixture.hasResult("slot\(at)"))
        }
    }

    @Test("Links, pipes and the like in place of a result are refused and not followed")
    func odd() throws {
        let fixture = try UnitProgramFixture()
        try fixture.folder.write("secret", "not the program's")
        for name in ["link", "pipe", "socket"] {
            let output = fixture.slot(name) + "/program-output"
            try Files.makeFolder(output)
            // The sandbox does not let a program make any of these; an older run, or another way, might.
            switch name {
            case "link": #expect(symlink("\(fixture.folder.path)/secret", output + "/out.txt") == 0)
            case "pipe": #expect(mkfifo(output + "/out.txt", 0o666) == 0)
            default: #expect(mknod(output + "/out.txt", S_IFSOCK | 0o666, 0) == 0)
            }
            #expect(mkfifo(output + "/progress", 0o666) == 0)
            let exit = try fixture.end(name, "true")
            #expect(exit.exit.code == 70 && exit.lastWords.contains("left out.txt as a \(name)"), "\(exit)")
            #expect(!fixture.hasResult(name))
        }
        let tried = try fixture.end("tried", "ln -s /etc/passwd out.txt || mkfifo out.txt || echo refused > out.txt")
        #expect(tried.exit.code == 0, "\(tried)")
        #expect(try fixture.result("tried") == ["out.txt": "refused\n"])
    }

    @Test("Passing a bound ends it, and tells which: memory, disk, CPU time, results, inputs")
    func bounds() throws {
        let fixture = try UnitProgramFixture()
        func check(_ name: String, _ script: String, _ words: String, _ change: (inout WireWorkUnitBody) -> Void) throws
        {
            let exit = try fixture.end(name, UnitProgramFixture.Unit(script), change: change)
            #expect(exit.exit.code == 71 && exit.lastWords.contains(words), "\(name): \(exit)")
            #expect(!fixture.hasResult(name))
        }
        let fill = "n=0; while :; do n=$((n+1)); head -c 400000 /dev/zero > f$n; done"
        try check("disk", fill, "are in the output folder") { $0.diskBytes = 2 << 20 }
        try check("closed", "mkdir d; chmod 000 d; sleep 600", "cannot be seen") { _ in }
        let hold = "for n in 1 2 3 4; do (x=$(head -c 20000000 /dev/zero | tr '\\0' x); sleep 600) & done; wait"
        try check("memory", hold, "MiB of memory are in use") { $0.memoryBytes = 32 << 20 }
        try check("result", "head -c 5000 /dev/zero > out.txt", "results of more than 4096 bytes") {
            $0.outputBytesMax = 4096
        }
        var unit = UnitProgramFixture.Unit("echo > out.txt")
        unit.sections = ["rows.csv": String(repeating: "1,2\n", count: 2000)]
        let exit = try fixture.end("inputs", unit) { $0.diskBytes = 4096 }
        #expect(exit.exit.code == 71 && exit.lastWords.contains("bytes of disk"), "\(exit)")
    }

    @Test("Bytes that are not those of the release are never started; nor is a unit that is not the job's")
    func hashes() throws {
        let fixture = try UnitProgramFixture()
        let unit = UnitProgramFixture.Unit("echo ran > out.txt")
        let changed = try fixture.end(
            "program", unit,
            spoil: { job in
                try Files.replace(job.program.path, with: Array("#!/bin/sh\necho other > out.txt\n".utf8))
            })
        #expect(changed.exit.code == 66 && changed.lastWords.contains("not the one that its release names"))
        #expect(fixture.output("program", "out.txt") == nil)
        let gone = try fixture.end("gone", unit, spoil: { job in try Files.remove(job.program.path) })
        #expect(gone.exit.code == 66)
        let other = try fixture.end("unit", unit, spoil: { job in job.unitSha256[0] ^= 1 })
        #expect(other.exit.code == 65 && !fixture.hasResult("unit"))
        #expect(try fixture.end("program", unit).exit.code == 0)
    }

    @Test("Names that would lead out of the folder, or that are twice there, are refused")
    func names() throws {
        let fixture = try UnitProgramFixture()
        var unit = UnitProgramFixture.Unit("echo > out.txt")
        unit.sections = ["../x": "x"]
        #expect(throws: (any Error).self) { _ = try Self.code(fixture, "a", unit, expecting: 65) }
        unit.sections = [:]
        for (at, results) in [["../x"], ["a", "a"], ["progress"], ["checkpoint"], [], [".hidden"]].enumerated() {
            unit.results = results
            let exit = try fixture.end("results\(at)", unit)
            #expect(exit.exit.code == 65, "\(results): \(exit)")
        }
        unit.results = ["out.txt"]
        unit.parameters = #"{"first": "one"}"#
        #expect(try fixture.end("parameters", unit).exit.code == 65)
    }

    /// A unit that the container's own rules may refuse already: then nobody can send it. Else the worker refuses it.
    private static func code(
        _ fixture: UnitProgramFixture, _ name: String, _ unit: UnitProgramFixture.Unit, expecting code: Int32
    ) throws {
        let exit = try fixture.end(name, unit)
        #expect(exit.exit.code == code)
        throw Fault(.badData, "refused by the worker")
    }

    @Test("What stands in for missing layers is told, and it does not run")
    func noSandbox() throws {
        let fixture = try UnitProgramFixture()
        var unit = UnitProgramFixture.Unit("echo ran > out.txt")
        for layer in [SandboxLayer.landlock, .seccomp, .userNamespace] {
            let exit = try fixture.end(layer.rawValue, unit, sandbox: WorkerSandbox(leftOut: [layer]))
            #expect(exit.exit.code == 78, "\(layer): \(exit)")
            #expect(fixture.output(layer.rawValue, "out.txt") == nil)
        }
        unit.needs = ["landlock:999"]
        let exit = try fixture.end("needs", unit)
        #expect(exit.exit.code == 78 && exit.lastWords.contains("version 999 of landlock"))
        unit.needs = ["moat"]
        #expect(try fixture.end("word", unit).exit.code == 78)
        #expect(fixture.output("word", "out.txt") == nil)
        // Kernels run without a sandbox when somebody says so; programs are enclosed all the same.
        unit.needs = []
        unit.script = "#!/bin/sh\nls / > out.txt; ls /root /home >> out.txt 2> /dev/null; true\n"
        #expect(try fixture.end("off", unit, sandbox: WorkerSandbox(isOn: false)).exit.code == 0)
        #expect(try fixture.result("off")["out.txt"]?.contains("home") == false)
    }

    @Test("A file that is no program is told as such")
    func notExecutable() throws {
        let fixture = try UnitProgramFixture()
        var unit = UnitProgramFixture.Unit("")
        unit.script = "neither a script nor a binary"
        let exit = try fixture.end("slot", unit)
        #expect(exit.exit.code == 78 && exit.lastWords.contains("cannot start /program/solver"), "\(exit)")
    }

    private static let hasRuntime = (try? ProgramRuntime.find(worker: WorkerProgramFixture.worker)) != nil

    /// A WebAssembly module whose `_start` has this code; all its bytes are below 128.
    private static func module(_ code: [UInt8]) -> String {
        let body = [0] + code + [0x0B]
        let bytes: [UInt8] =
            Array("\0asm".utf8) + [1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 19, 2, 6]
            + Array("memory".utf8) + [2, 0, 6] + Array("_start".utf8) + [0, 0, 10, UInt8(body.count + 2), 1]
            + [UInt8(body.count)] + body
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("A module runs in the runtime, within its fuel; without a runtime it is not started")
    func modules() throws {
        let fixture = try UnitProgramFixture()
        var unit = UnitProgramFixture.Unit("")
        unit.platform = ProgramApp.wasmPlatform
        unit.results = ["out.txt?"]
        unit.script = Self.module([])
        let fuel = { (body: inout WireWorkUnitBody) in body.program.fuel = 1_000_000 }
        let exit = try fixture.end("short", unit, change: fuel)
        guard Self.hasRuntime else {
            #expect(exit.exit.code == 78 && exit.lastWords.contains("millrace-wasm"), "\(exit)")
            return
        }
        #expect(exit.exit.code == 0 && fixture.hasResult("short"), "\(exit)")
        // (loop (br 0))
        unit.script = Self.module([0x03, 0x40, 0x0C, 0, 0x0B])
        let endless = try fixture.end("endless", unit, change: fuel)
        #expect(endless.exit.code == 71 && endless.lastWords.contains("out of fuel"), "\(endless)")
        // No module at all.
        unit.script = "#!/bin/sh\n"
        #expect(try fixture.end("none", unit, change: fuel).exit.code == 65)
    }

    @Test("What it writes without end fills no log, and its last words are kept")
    func log() throws {
        let fixture = try UnitProgramFixture()
        let exit = try fixture.end("slot", "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end >&2; exit 9")
        #expect(exit.exit.code == 70 && exit.lastWords.contains("the end"), "\(exit)")
        let size = try #require(Files.size(fixture.slot("slot") + "/log"))
        #expect(size > 10_000 && size <= Limits.workerLogBytesMax)
        #expect(try fixture.folder.text("slot/log").hasSuffix("the end\n"))
    }
}
