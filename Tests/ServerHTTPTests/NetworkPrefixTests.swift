import ServerHTTP
import Testing

struct NetworkPrefixTests {
    @Test func addressesThatBeginAlike() {
        let first = NetworkPrefix.prefix(v4: [192, 0, 2, 1])
        #expect(first != nil && first == NetworkPrefix.prefix(v4: [192, 0, 2, 200]))
        #expect(first != NetworkPrefix.prefix(v4: [192, 0, 3, 1]))
        #expect(NetworkPrefix.prefix(v4: [127, 0, 0, 1]) == nil, "a proxy on this machine speaks for everybody")
        #expect(NetworkPrefix.of("192.0.2.77") == first && NetworkPrefix.of("::ffff:192.0.2.1") == first)
        #expect(NetworkPrefix.of("unknown") == nil && NetworkPrefix.of("") == nil && NetworkPrefix.of("::1") == nil)
        #expect(NetworkPrefix.of("fe80::1%eth0") == NetworkPrefix.of("fe80::2"))
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 9]
        #expect(NetworkPrefix.prefix(v6: mapped) == first)
        let site: [UInt8] = [0x20, 0x01, 0x0d, 0xb8, 0, 1]
        let v6 = NetworkPrefix.prefix(v6: site + [0, 1] + [UInt8](repeating: 3, count: 8))
        #expect(v6 != nil && v6 == NetworkPrefix.prefix(v6: site + [9, 9] + [UInt8](repeating: 7, count: 8)))
        #expect(v6 != NetworkPrefix.prefix(v6: [0x20, 0x01, 0x0d, 0xb8, 0, 2] + [UInt8](repeating: 0, count: 10)))
        #expect(NetworkPrefix.prefix(v6: [UInt8](repeating: 0, count: 15) + [1]) == nil)
    }

    @Test func whoHasOneIPv6AddressHasAllThatBeginAlike() {
        let holder = NetworkPrefix.holder
        #expect(holder("2001:db8:0:1::5") == holder("2001:db8:0:1:ffff:1:2:3"))
        #expect(holder("2001:db8:0:1::5") != holder("2001:db8:0:2::5"))
        #expect(holder("fe80::1%eth0") == holder("fe80::2"))
        #expect(holder("192.0.2.1") == "192.0.2.1" && holder("::ffff:192.0.2.1") == "192.0.2.1")
        #expect(holder("192.0.2.1") != holder("192.0.2.2"))
        #expect(holder("unknown") == "unknown")
    }
}
