import Console
import Domain
import Testing

@Suite struct ServerSettingsTests {
    @Test(arguments: [
        "ftp://x", "localhost:8080", "", "http://", "http://a b", "http://u:p@x", "http://x?y", "http://x#y", "http:/x",
    ])
    func wrongAddressesAreUsage(url: String) throws {
        try TemporaryFolder.with { (folder) throws in
            let token = try folder.write("token", "secret\n")
            let fault = #expect(throws: Fault.self) { try ServerSettings.resolve(server: url, tokenFile: token) }
            #expect(fault?.kind == .usage)
            #expect(fault?.advice != nil)
        }
    }

    @Test func anAddressLosesItsLastSlash() throws {
        try TemporaryFolder.with { (folder) throws in
            let token = try folder.write("token", "secret\n")
            #expect(try ServerSettings.resolve(server: "https://x.org/m/", tokenFile: token).url == "https://x.org/m")
        }
    }

    @Test func tokensThatCannotBeUsedAreNamedButNeverShown() throws {
        try TemporaryFolder.with { (folder) throws in
            let missing = #expect(throws: Fault.self) {
                try ServerSettings.resolve(server: "http://x", tokenFile: folder.path + "/none")
            }
            #expect(missing?.kind == .noInput)
            let strange = try folder.write("strange", "sécret")
            let fault = #expect(throws: Fault.self) {
                try ServerSettings.resolve(server: "http://x", tokenFile: strange)
            }
            #expect(fault?.kind == .badData)
            #expect(fault?.message.contains("cret") == false)
            let empty = try folder.write("empty", "\n")
            #expect(throws: Fault.self) { try ServerSettings.resolve(server: "http://x", tokenFile: empty) }
        }
    }
}
