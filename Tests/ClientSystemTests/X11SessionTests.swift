import CPosix
import ClientCore
import ClientSystem
import Domain
import Glibc
import Testing
import WorkerHost

@Suite("The display of the account's session")
struct X11SessionTests {
    static let cookie: [UInt8] = Array(1...16)

    /// An entry of a file that `XAUTHORITY` names.
    static func entry(
        _ family: Int = 65_535, host: String = "", number: String, kind: String = "MIT-MAGIC-COOKIE-1",
        _ cookie: [UInt8] = cookie
    ) -> [UInt8] {
        let half = { (number: Int) in [UInt8(number / 256), UInt8(number % 256)] }
        return [Array(host.utf8), Array(number.utf8), Array(kind.utf8), cookie]
            .reduce(half(family)) { $0 + half($1.count) + $1 }
    }

    private static func set(_ bus: FakeBus, _ variables: [String]) {
        var body = BusBytes()
        body.signature("as")
        body.array(alignment: 4) { for variable in variables { $0.string(variable) } }
        bus.set("Environment", .reply(signature: "v", body: body.bytes))
    }

    private static func tends(_ probe: X11IdleProbe, _ condition: () -> Bool) -> Bool {
        eventually {
            probe.tend(isComputing: true)
            return condition()
        }
    }

    @Test("A client that started before the desktop, or outlived one, finds the display that there is now")
    func found() throws {
        let (folder, server) = (try TemporaryFolder(), try FakeXServer(FakeXServer.Manner(cookie: Self.cookie)))
        let bus = try FakeBus(folder.path + "/bus")
        defer {
            server.stop()
            bus.stop()
        }
        let number = String(server.name.dropFirst())
        let file = open(folder.path + "/cookies", O_WRONLY | O_CREAT, 0o600)
        let entries = Self.entry(number: "1") + Self.entry(number: number)
        #expect(write(file, entries, entries.count) == entries.count && close(file) == 0)
        for own in [nil, "", server.name] {
            bus.set("Environment", .error("org.freedesktop.DBus.Error.NoReply"))
            let readings = Readings()
            let display = X11Display(name: own, userBus: folder.path + "/bus")
            let probe = X11IdleProbe(display: display, retrySeconds: 0.2...0.2) { readings.add($0) }
            defer { probe.stop() }
            let closed = X11ProbeTests.closed(server.name)
            let none = own == server.name ? closed : "there is no X11 display (DISPLAY is not set)"
            #expect(Self.tends(probe) { readings.all.last?.value == .unavailable(none) })
            Self.set(bus, ["LANG=C", "XDISPLAY=:1"])
            let asked = bus.calls("Environment")
            #expect(Self.tends(probe) { bus.calls("Environment") >= asked + 2 })
            #expect(readings.all.allSatisfy { $0.value == .unavailable(none) })
            Self.set(bus, ["DISPLAY=\(server.name)", "XAUTHORITY=/nowhere"])
            #expect(Self.tends(probe) { readings.all.last?.value == .unavailable(closed) })
            Self.set(bus, ["DISPLAY=\(server.name)", "WAYLAND_DISPLAY=wayland-0"])
            #expect(Self.tends(probe) { why(readings.all.last?.value)?.contains("Wayland") == true })
            #expect(readings.idles.isEmpty)
            Self.set(bus, ["LANG=C", "DISPLAY=\(server.name)", "XAUTHORITY=\(folder.path)/cookies"])
            #expect(Self.tends(probe) { readings.lastIdle == 5000 })
        }
    }

    @Test("A display of one's own that can be read comes first")
    func own() throws {
        let (folder, server) = (try TemporaryFolder(), try FakeXServer())
        let bus = try FakeBus(folder.path + "/bus")
        defer {
            server.stop()
            bus.stop()
        }
        Self.set(bus, ["DISPLAY=:nonsense"])
        let readings = Readings()
        let display = X11Display(name: server.name, userBus: folder.path + "/bus")
        let probe = X11IdleProbe(display: display) { readings.add($0) }
        defer { probe.stop() }
        #expect(Self.tends(probe) { readings.lastIdle == 5000 })
        #expect(bus.calls("AUTH") == 0)
    }

    @Test("The cookie of this computer and this display is taken; a file that is cut anywhere does no harm")
    func cookies() {
        let host = Array("mill".utf8)
        let find = { (bytes: [UInt8]) in X11Cookie.find(in: bytes, number: Array("7".utf8), host: host) }
        let others =
            Self.entry(256, host: "other", number: "7", [9]) + Self.entry(number: "8", [9])
            + Self.entry(number: "7", kind: "XDM-AUTHORIZATION-1", [9]) + Self.entry(0, host: "mill", number: "7", [9])
        #expect(find(others) == nil)
        for right in [Self.entry(256, host: "mill", number: "7"), Self.entry(number: "7"), Self.entry(number: "")] {
            #expect(find(others + right) == Self.cookie)
            for count in 0..<right.count { #expect(find(others + right.prefix(count)) == nil) }
        }
    }
}
