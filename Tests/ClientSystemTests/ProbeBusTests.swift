import CPosix
import ClientCore
import ClientSystem
import Domain
import Glibc
import Testing
import WorkerHost

@Suite("Values of D-Bus")
struct BusValueTests {
    static func values(_ signature: String, _ bytes: [UInt8]) throws -> [BusValue] {
        var reader = BusReader(bytes, isBigEndian: false)
        return try reader.values(signature)
    }

    @Test("All types are read, aligned as the specification says")
    func types() throws {
        var out = BusBytes()
        out.number(7, size: 1)
        out.number(1, size: 4)
        out.number(UInt64(bitPattern: -2), size: 2)
        out.number(65_535, size: 2)
        out.number(UInt64(bitPattern: -3), size: 4)
        out.number(4_000_000_000, size: 4)
        out.number(UInt64(bitPattern: -5), size: 8)
        out.number(UInt64.max, size: 8)
        out.number((1.5).bitPattern, size: 8)
        out.string("häuser")
        out.signature("ai")
        out.variant(.pair("seat0", "/seat"))
        #expect(
            try Self.values("ybnqiuxtdsgv", out.bytes) == [
                .unsigned(7), .bool(true), .int(-2), .unsigned(65_535), .int(-3), .unsigned(4_000_000_000), .int(-5),
                .unsigned(UInt64.max), .double(1.5), .string("häuser"), .string("ai"),
                .structure([.string("seat0"), .string("/seat")]),
            ])
    }

    @Test("Arrays of arrays, empty ones, and dictionaries")
    func arrays() throws {
        var out = BusBytes()
        out.array(alignment: 4) { out in
            for count in [0, 2] {
                out.array(alignment: 8) { out in
                    for number in 0..<count { out.number(UInt64(number), size: 8) }
                }
            }
        }
        #expect(
            try Self.values("aat", out.bytes) == [.array([.array([]), .array([.unsigned(0), .unsigned(1)])])])
        let properties = try #require(
            try Self.values("a{sv}", BusBytes.dictionary([("Name", .text("ada")), ("Idle", .bool(false))])).first
        ).properties
        #expect(properties == ["Name": .string("ada"), "Idle": .bool(false)])
    }

    @Test("The most significant byte may come first")
    func bigEndian() throws {
        var reader = BusReader([0, 0, 0, 2, 0x68, 0x69, 0, 0, 0, 0, 1, 0], isBigEndian: true)
        #expect(try reader.values("su") == [.string("hi"), .unsigned(256)])
    }

    @Test(
        "Signatures that are none are refused",
        arguments: ["z", "a", "(", "(s", "()", "{}", ")", "a{s", "a)", "r"])
    func badSignatures(signature: String) {
        #expect(throws: Fault.self) { try Self.values(signature, [UInt8](repeating: 0, count: 256)) }
    }

    @Test("A variant in a variant in a variant ends at a depth")
    func depth() {
        let bytes = [UInt8]((0..<200).flatMap { _ in [UInt8(1), UInt8(ascii: "v"), 0] })
        #expect(throws: Fault.self) { try Self.values("v", bytes) }
    }

    @Test("A message that is cut anywhere, or changed anywhere, is read without harm")
    func damaged() throws {
        let body = BusBytes.dictionary([
            ("Type", .text("wayland")), ("IdleHint", .bool(true)), ("IdleSinceHint", .time(9)),
            ("Seat", .pair("a", "b")),
        ])
        let message = BusBytes.message(kind: 2, to: 3, signature: "a{sv}", body: body)
        let whole = try BusMessage(message)
        #expect(whole.kind == .reply(to: 3))
        #expect(whole.body.first?.properties.count == 4)
        for count in 0..<message.count {
            #expect(throws: Fault.self) { try BusMessage(Array(message[..<count])) }
        }
        var random = SmallRandom(seed: 11)
        var refused = 0
        for _ in 0..<20_000 {
            var changed = message
            for _ in 0..<(1 + random.next() % 4) {
                changed[Int(random.next() % UInt64(changed.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            do {
                _ = try BusMessage.length(prefix: Array(changed[..<BusMessage.prefixBytes]))
                _ = try BusMessage(changed)
            } catch { refused += 1 }
        }
        #expect((2000..<20_000).contains(refused))
    }

    @Test("A length that nobody has memory for is refused before it is believed")
    func length() {
        let prefix: [UInt8] = [UInt8(ascii: "l"), 2, 0, 1, 0, 0, 0, 127, 1, 0, 0, 0, 0, 0, 0, 0]
        #expect(throws: Fault.self) { try BusMessage.length(prefix: prefix) }
        #expect(throws: Fault.self) { try BusMessage.length(prefix: Array("HTTP/1.1 400 Bad".utf8)) }
    }

    @Test("A call is written as the specification says")
    func call() throws {
        let call = BusCall("org.a", "/b", "c.d", "E", ["f", "gh"]).encoded(serial: 258)
        // By hand from the specification.
        var fields = BusBytes()
        for (code, type, text) in [(1, "o", "/b"), (2, "s", "c.d"), (3, "s", "E"), (6, "s", "org.a")] {
            fields.align(8)
            fields.bytes += [UInt8(code), 1] + Array(type.utf8) + [0]
            fields.string(text)
        }
        fields.align(8)
        fields.bytes += [8, 1, UInt8(ascii: "g"), 0, 2, UInt8(ascii: "s"), UInt8(ascii: "s"), 0]
        var expected = BusBytes()
        expected.bytes = [UInt8(ascii: "l"), 1, 2, 1, 15, 0, 0, 0, 2, 1, 0, 0]
        expected.number(UInt64(fields.bytes.count), size: 4)
        expected.bytes += fields.bytes
        expected.align(8)
        expected.bytes += [1, 0, 0, 0, 102, 0, 0, 0, 2, 0, 0, 0, 103, 104, 0]
        #expect(call == expected.bytes)
        #expect(try BusMessage(call).body == [.string("f"), .string("gh")])
    }
}

@Suite("Login sessions")
struct SessionProbeTests {
    let fake: FakeRoots
    let bus: FakeBus
    init() throws {
        fake = try FakeRoots()
        bus = try FakeBus(fake.roots.systemBus)
        bus.set("Hello", .reply(signature: "s", body: [2, 0, 0, 0, 58, 49, 0]))
    }

    func setSessions(_ sessions: [(String, [(String, BusBytes.Property)])]) {
        var list = BusBytes()
        list.array(alignment: 8) { list in
            for (name, _) in sessions {
                list.align(8)
                list.string(name)
                list.number(1000, size: 4)
                list.string("ada")
                list.string("seat0")
                list.string("/session/\(name)")
            }
        }
        bus.set("ListSessions", .reply(signature: "a(susso)", body: list.bytes))
        for (name, properties) in sessions {
            bus.set("/session/\(name)", .reply(signature: "a{sv}", body: BusBytes.dictionary(properties)))
        }
    }

    static func session(
        type: String, hint: Bool, idleSeconds: Double?, class kind: String = "user", state: String = "active"
    ) -> [(String, BusBytes.Property)] {
        let since = idleSeconds.map { UInt64((millrace_monotonic_seconds() - $0) * 1e6) }
        return [
            ("Id", .text("1")), ("Class", .text(kind)), ("Type", .text(type)), ("State", .text(state)),
            ("Remote", .bool(false)), ("IdleHint", .bool(hint)), ("Seat", .pair("seat0", "/seat")),
            ("IdleSinceHint", .time(since == nil ? 0 : 1_700_000_000_000_000)),
            ("IdleSinceHintMonotonic", .time(since ?? 0)),
        ]
    }

    func idleSeconds(_ probe: SessionProbe) -> Int64? {
        if case .idle(let milliseconds)? = probe.read(now: probeNow) { (milliseconds + 500) / 1000 } else { nil }
    }

    @Test("Whoever was there last counts, on desktops and on terminals")
    func sessions() throws {
        let probe = SessionProbe(roots: fake.roots)
        setSessions([])
        #expect(why(probe.read(now: probeNow)) == "nobody is logged in")
        setSessions([("1", Self.session(type: "wayland", hint: true, idleSeconds: 600))])
        #expect(idleSeconds(probe) == 600)
        let terminal = ("2", Self.session(type: "tty", hint: false, idleSeconds: 90))
        setSessions([("1", Self.session(type: "wayland", hint: true, idleSeconds: 600)), terminal])
        #expect(idleSeconds(probe) == 90)
        setSessions([("1", Self.session(type: "x11", hint: false, idleSeconds: 600)), terminal])
        #expect(idleSeconds(probe) == 0)
        // One connection serves all looks.
        #expect(bus.calls("Hello") == 1)
    }

    @Test("Sessions of nobody, closing ones, and desktops that never tell, do not count")
    func others() throws {
        let probe = SessionProbe(roots: fake.roots)
        setSessions([
            ("1", Self.session(type: "wayland", hint: false, idleSeconds: nil)),
            ("2", Self.session(type: "wayland", hint: false, idleSeconds: 1, class: "background")),
            ("3", Self.session(type: "tty", hint: false, idleSeconds: 1, state: "closing")), ("4", []),
        ])
        #expect(why(probe.read(now: probeNow))?.contains("says when it was last used") == true)
        // One that ends between the two questions.
        bus.set("/session/1", .error("org.freedesktop.DBus.Error.UnknownObject"))
        bus.set(
            "/session/4",
            .reply(
                signature: "a{sv}",
                body: BusBytes.dictionary(
                    Self.session(type: "tty", hint: true, idleSeconds: 30))))
        #expect(idleSeconds(probe) == 30)
    }

    @Test("A bus that is not there, refuses, hangs up, hangs or talks nonsense says why, and the next look tries again")
    func troubles() throws {
        setSessions([("1", Self.session(type: "tty", hint: false, idleSeconds: 50))])
        for (word, answer, expected) in [
            ("AUTH", FakeBus.Answer.raw(Array("REJECTED EXTERNAL\r\n".utf8)), "refuses us: REJECTED"),
            ("AUTH", .raw([UInt8](repeating: 65, count: 8192)), "a line without an end"),
            ("AUTH", .silence, "did not answer for 1.0 s"), ("ListSessions", .silence, "did not answer for 1.0 s"),
            ("ListSessions", .close, "closed"),
            ("ListSessions", .raw(Array("HTTP/1.1 400 Bad Request\r\n".utf8)), "another protocol"),
            ("ListSessions", .error("org.freedesktop.DBus.Error.ServiceUnknown"), "login1 does not run"),
            (
                "ListSessions", .error("org.freedesktop.DBus.Error.AccessDenied"),
                "login1: org.freedesktop.DBus.Error.AccessDenied"
            ),
        ] {
            bus.set(word, answer)
            let probe = SessionProbe(roots: fake.roots)
            let said = why(probe.read(now: probeNow))
            #expect(said?.contains(expected) == true, "\(said ?? "nothing") instead of \(expected)")
            bus.set("AUTH", .reply(signature: "", body: []))
            setSessions([("1", Self.session(type: "tty", hint: false, idleSeconds: 50))])
            #expect(idleSeconds(probe) == 50)
        }
        let probe = SessionProbe(roots: fake.roots)
        #expect(idleSeconds(probe) == 50)
        bus.hangUp()
        #expect(why(probe.read(now: probeNow)) != nil)
        #expect(idleSeconds(probe) == 50)
        var elsewhere = fake.roots
        elsewhere.systemBus += String(repeating: "x", count: 200)
        #expect(why(SessionProbe(roots: elsewhere).read(now: probeNow))?.contains("too long") == true)
        elsewhere.systemBus = "\(fake.folder.path)/none"
        #expect(why(SessionProbe(roots: elsewhere).read(now: probeNow))?.contains("no D-Bus") == true)
    }

    @Test("A signal makes the connection readable, and a flood of them ends it")
    func signals() throws {
        let probe = SessionProbe(roots: fake.roots)
        setSessions([("1", Self.session(type: "tty", hint: false, idleSeconds: 50))])
        #expect(idleSeconds(probe) == 50)
        #expect(bus.calls("AddMatch") == 1)
        let file = try #require(probe.watched.first)
        let isReadable = { () -> Bool in
            var end = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
            return poll(&end, 1, 0) > 0
        }
        #expect(!isReadable())
        let signal = BusBytes.message(kind: 4, to: 0, signature: "s", body: [1, 0, 0, 0, 120, 0])
        bus.send(signal)
        bus.send(signal)
        #expect(eventually(isReadable))
        #expect(idleSeconds(probe) == 50)
        #expect(!isReadable())
        bus.send(Array("nonsense".utf8) + [UInt8](repeating: 7, count: 64))
        #expect(eventually(isReadable))
        #expect(why(probe.read(now: probeNow)) != nil)
        #expect(idleSeconds(probe) == 50)
    }
}

@Suite("Metered networks")
struct NetworkProbeTests {
    let fake: FakeRoots
    init() throws { fake = try FakeRoots() }

    @Test("What NetworkManager says or guesses is taken; what it does not know is not")
    func values() throws {
        let bus = try FakeBus(fake.roots.systemBus)
        let probe = NetworkProbe(roots: fake.roots)
        for (number, expected) in [
            (UInt32(1), ProbeReading.Value.metered(true)), (2, .metered(false)), (3, .metered(true)),
            (4, .metered(false)),
        ] {
            var body = BusBytes()
            body.variant(.small(number))
            bus.set("Metered", .reply(signature: "v", body: body.bytes))
            #expect(probe.read(now: probeNow) == expected)
        }
        var body = BusBytes()
        body.variant(.text("yes"))
        bus.set("Metered", .reply(signature: "v", body: body.bytes))
        #expect(why(probe.read(now: probeNow)) == "NetworkManager does not know")
        bus.set("Metered", .error("org.freedesktop.DBus.Error.ServiceUnknown"))
        #expect(why(probe.read(now: probeNow))?.contains("does not run") == true)
    }
}

@Suite("A real D-Bus daemon")
struct RealBusTests {
    static let program = "/usr/bin/dbus-daemon"

    @Test(
        "It understands us and we it; it says who is missing; when it hangs, we do not",
        .enabled(if: Files.exists(program)))
    func real() throws {
        let fake = try FakeRoots()
        let socket = fake.roots.systemBus
        try fake.folder.write(
            "bus.conf",
            """
            <!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
             "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
            <busconfig><listen>unix:path=\(socket)</listen><auth>EXTERNAL</auth>
            <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
            <allow own="*"/></policy></busconfig>
            """)
        let daemon = try LineChild.start(
            executable: Self.program, arguments: ["--nofork", "--config-file=\(fake.folder.path)/bus.conf"],
            variables: [], onLine: { _ in }, onEnd: { _ in })
        defer { daemon.stop() }
        try #require(eventually { (try? BusConnection(socket: socket, limitSeconds: 5)) != nil })
        let connection = try BusConnection(socket: socket, limitSeconds: 5)
        let names = try connection.call(
            BusCall(BusConnection.bus, "/org/freedesktop/DBus", BusConnection.bus, "ListNames"))
        #expect(names.first?.elements?.contains(.string("org.freedesktop.DBus")) == true)
        let properties = try connection.properties(BusConnection.bus, "/org/freedesktop/DBus", BusConnection.bus)
        #expect(properties["Interfaces"]?.elements != nil)
        // A signal of the daemon itself, about another connection.
        try connection.subscribe("type='signal',member='NameOwnerChanged'")
        _ = try BusConnection(socket: socket, limitSeconds: 5)
        try connection.takeSignals()
        #expect(try !connection.call(BusCall(BusConnection.bus, "/", BusConnection.bus, "GetId")).isEmpty)

        let session = SessionProbe(roots: fake.roots)
        #expect(why(session.read(now: probeNow))?.contains("does not run") == true)
        #expect(why(NetworkProbe(roots: fake.roots).read(now: probeNow))?.contains("does not run") == true)
        kill(daemon.pid, SIGSTOP)
        #expect(why(session.read(now: probeNow))?.contains("did not answer") == true)
        kill(daemon.pid, SIGCONT)
        #expect(eventually { why(session.read(now: probeNow))?.contains("does not run") == true })
    }
}
