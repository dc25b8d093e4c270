import Bytes
import Domain
import Preferences
import Testing

@Suite("Values of preferences")
struct ValueTests {
    @Test(
        "Every preset's value reads back from a file as the same value, wherever it stands", arguments: Preset.allCases)
    func presets(preset: Preset) throws {
        let plain = try #require(try Text.effective("preset: \(preset.rawValue)\n"))
        for entry in plain.entries where entry.key.path != "preset" {
            let text = Text.file(entry.key.path, entry.key.text(in: preset))
            let given = try #require(try Text.effective(text), "\(text)")
            let found = try #require(given.entries.first { $0.key.path == entry.key.path })
            #expect(found.value == entry.value, "\(entry.key.path)")
            // What `prefs` shows can be written into the file.
            let shown = try #require(try Text.effective(Text.file(entry.key.path, entry.text)), "\(entry.text)")
            #expect(shown.entries.first { $0.key.path == entry.key.path }?.value == entry.value, "\(entry.text)")
        }
    }

    @Test("Presets are ordered: a louder one allows no less, field by field")
    func order() throws {
        let all = try Preset.allCases.map {
            try #require(try Text.effective("preset: \($0.rawValue)")).preferences
        }
        for (softer, louder) in zip(all, all.dropFirst()) {
            for cores in 1...64 {
                #expect(softer.inUse.cores.count(of: cores) <= louder.inUse.cores.count(of: cores))
                #expect(softer.notInUse.cores.count(of: cores) <= louder.notInUse.cores.count(of: cores))
            }
            #expect(softer.inUse.cpuPercent <= louder.inUse.cpuPercent)
            #expect(softer.inUse.memoryPercent <= louder.inUse.memoryPercent)
            #expect(softer.notInUse.memoryPercent <= louder.notInUse.memoryPercent)
            #expect(softer.idleSeconds >= louder.idleSeconds)
            #expect(softer.pauses.otherLoad <= louder.pauses.otherLoad)
            #expect(softer.pauses.temperature <= louder.pauses.temperature)
            #expect(softer.pauses.memoryPressure <= louder.pauses.memoryPressure)
            #expect(softer.disk.freeBytesMin >= louder.disk.freeBytesMin)
            #expect((softer.disk.bytesMax ?? .max) <= (louder.disk.bytesMax ?? .max))
            #expect((softer.network.bytesPerDay ?? .max) <= (louder.network.bytesPerDay ?? .max))
        }
    }

    static let right: [(path: String, text: String, value: PreferenceValue)] = [
        ("in_use.compute", "true", .flag(true)), ("in_use.compute", "no", .flag(false)),
        ("in_use.cores", "4", .cores(.count(4))), ("in_use.cores", "50%", .cores(.percent(50))),
        ("in_use.cores", "\"50 %\"", .cores(.percent(50))), ("in_use.cpu", "1", .percent(1)),
        ("in_use.cpu", "100 %", .percent(100)), ("in_use.idle_after", "90", .seconds(90)),
        ("in_use.idle_after", "1.5 h", .seconds(5400)), ("work.keep_in_memory", "always", .seconds(nil)),
        ("disk.most", "unlimited", .bytes(nil)), ("disk.most", "20 GiB", .bytes(20 << 30)),
        ("network.download", "unlimited", .bytes(nil)), ("network.download", "64 KiB/s", .bytes(65_536)),
        ("network.download", "100000", .bytes(100_000)), ("pause.temperature", "80", .degrees(80)),
        ("pause.temperature", "72.5 °C", .degrees(72.5)), ("pause.exclusive_programs", "[]", .names([])),
        ("pause.exclusive_programs", "steam", .names(["steam"])),
        ("pause.exclusive_programs", "[a, \"b c\"]", .names(["a", "b c"])),
        ("permission.file", "/run/price", .path("/run/price")), ("permission.command", "none", .command([])),
        ("permission.command", "[/usr/bin/price, --now]", .command(["/usr/bin/price", "--now"])),
        ("windows.compute", "always", .windows(.always)),
        (
            "shares", "{\"https://a.example/\": 30, \"http://b.example:81\": 0.5}",
            .shares([
                ProjectShare(url: "https://a.example", share: 30), ProjectShare(url: "http://b.example:81", share: 0.5),
            ])
        ),
    ]

    @Test("The ways to write a value", arguments: right.indices)
    func spellings(at index: Int) throws {
        let sample = Self.right[index]
        let effective = try #require(try Text.effective(Text.file(sample.path, sample.text)), "\(sample.text)")
        let entry = try #require(effective.entries.first { $0.key.path == sample.path })
        #expect(entry.value == sample.value)
        let again = try #require(try Text.effective(Text.file(sample.path, entry.text)), "\(entry.text)")
        #expect(again.entries.first { $0.key.path == sample.path }?.value == sample.value, "\(entry.text)")
    }

    static let wrong: [(path: String, text: String)] = [
        ("preset", "loud"), ("in_use.compute", "maybe"), ("in_use.compute", ""), ("in_use.cores", "0"),
        ("in_use.cores", "1025"), ("in_use.cores", "101 %"), ("in_use.cores", "1.5"), ("in_use.cores", "many"),
        ("in_use.cpu", "0 %"), ("in_use.cpu", "101"), ("in_use.cpu", "12.5 %"), ("in_use.memory", "50 MB"),
        ("in_use.idle_after", "25 h"), ("in_use.idle_after", "-1"), ("in_use.idle_after", "soon"),
        ("in_use.idle_after", "always"), ("disk.most", "1 MiB"), ("disk.most", "1e300"), ("disk.most", "2 EiB"),
        ("disk.keep_free", "unlimited"), ("network.upload", "1 B/s"), ("network.upload", "1 MB"),
        ("network.on_metered", "stop"), ("pause.temperature", "200"), ("pause.temperature", "80 F"),
        ("pause.exclusive_programs", "{a: 1}"), ("pause.exclusive_programs", "[\"\"]"),
        ("pause.exclusive_programs", "[\"a\\nb\"]"), ("permission.file", "relative/path"),
        ("permission.command", "price"), ("permission.command", "[]"), ("permission.time_limit", "0"),
        ("permission.keep", "2 days"), ("work.buffer", "15 days"), ("shares", "[a]"), ("shares", "{a: 1}"),
        ("shares", "{\"https://\": 1}"), ("shares", "{\"https://a\": -1}"), ("shares", "{\"https://a\": x}"),
        ("shares", "{\"https://a\": 1, \"https://a/\": 2}"), ("windows.compute", "[]"), ("windows.compute", "never"),
    ]

    @Test("What is out of range or no value is refused, with what would be right", arguments: wrong.indices)
    func refused(at index: Int) throws {
        let sample = Self.wrong[index]
        let fault = try #require(Text.faults(Text.file(sample.path, sample.text)).first, "\(sample)")
        #expect(fault.message.hasPrefix("`\(sample.path)`: "), "\(fault.text)")
        #expect(fault.line >= 1 && fault.column >= 1)
    }

    @Test("Percentages of cores are rounded down, and never to none")
    func cores() {
        for machine in 1...256 {
            for percent in 1...100 {
                let count = CoreLimit.percent(percent).count(of: machine)
                #expect(count == max(1, machine * percent / 100))
                #expect(count <= machine)
            }
        }
        #expect(CoreLimit.count(7).count(of: 2) == 7)
        #expect(CoreLimit.percent(50).count(of: 0) == 1)
    }

    @Test("Room on the disk is what both bounds leave")
    func room() throws {
        let disk = try #require(
            try Text.effective("disk:\n  most: 1 GiB\n  keep_free: 2 GiB\n")
        ).preferences.disk
        let gib: Int64 = 1 << 30
        #expect(disk.room(free: 10 * gib, used: 0) == gib)
        #expect(disk.room(free: 10 * gib, used: gib / 2) == gib / 2)
        #expect(disk.room(free: 10 * gib, used: 3 * gib) == 0)
        #expect(disk.room(free: 2 * gib + 5, used: 0) == 5)
        #expect(disk.room(free: gib, used: 0) == 0)
        #expect(disk.room(free: -1, used: 0) == 0)
        #expect(disk.room(free: .max, used: .max) == 0)
    }

    @Test("A project's share is found however its address ends")
    func shares() throws {
        let preferences = try #require(
            try Text.effective("shares:\n  https://a.example/: 30\n  http://b.example: 0\n")
        ).preferences
        #expect(preferences.share(ofProject: "https://a.example") == 30)
        #expect(preferences.share(ofProject: "https://a.example//") == 30)
        #expect(preferences.share(ofProject: "http://b.example") == 0)
        #expect(preferences.share(ofProject: "http://c.example") == ProjectShare.standard)
    }

    @Test("Drawn numbers read back from what is shown")
    func drawn() throws {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            let seconds = (Double.random(in: 0...86_400, using: &random) * 1000).rounded() / 1000
            let bytes = Int64.random(in: (100 << 20)...(1 << 50), using: &random)
            let text = "in_use:\n  idle_after: \(seconds)\ndisk:\n  most: \(bytes)\n"
            let effective = try #require(try Text.effective(text))
            for (path, value) in [
                ("in_use.idle_after", PreferenceValue.seconds(seconds)), ("disk.most", .bytes(bytes)),
            ] {
                let entry = try #require(effective.entries.first { $0.key.path == path })
                #expect(entry.value == value)
                let again = try #require(try Text.effective(Text.file(path, entry.text)))
                #expect(again.entries.first { $0.key.path == path }?.value == value, "\(entry.text)")
            }
        }
    }
}
