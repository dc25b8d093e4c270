import ClientSystem
import Domain
import Glibc
import Testing
import WorkerHost

@Suite("The folder of a command that names none")
struct ClientFolderTests {
    private let own = "/home/ada/.local/share/millrace"

    private func service(isEnabled: Bool) -> ClientFolder.Service {
        ClientFolder.Service(path: "/srv/millrace-client", user: 117, group: 121, isEnabled: isEnabled)
    }

    @Test("Without a service everybody has an own folder", arguments: [0, 117, 1000] as [uid_t], [true, false])
    func alone(user: uid_t, isOwnUsed: Bool) {
        let choice = ClientFolder.choose(user: user, own: own, isOwnUsed: isOwnUsed, service: nil)
        #expect(choice.path == own && choice.becomes == nil)
    }

    @Test("With a service: root becomes its user, others look at it, and who has a client of her own keeps it")
    func beside() {
        for isEnabled in [true, false] {
            for isOwnUsed in [true, false] {
                let service = service(isEnabled: isEnabled)
                let choose = { ClientFolder.choose(user: $0, own: own, isOwnUsed: isOwnUsed, service: service) }
                let ofService = choose(117)
                #expect(ofService.path == service.path && ofService.becomes == nil)
                let ofRoot = choose(0)
                if isOwnUsed && !isEnabled {
                    #expect(ofRoot.path == own && ofRoot.becomes == nil)
                } else {
                    #expect(ofRoot.path == service.path && ofRoot.becomes == service)
                }
                let ofAda = choose(1000)
                #expect(ofAda.path == (isEnabled && !isOwnUsed ? service.path : own) && ofAda.becomes == nil)
            }
        }
    }

    @Test("A folder of somebody else: its owner is named", .enabled(if: geteuid() != 0))
    func owner() {
        let fault = #expect(throws: Fault.self) { try Files.read("/etc/shadow", limit: 1 << 20) }
        #expect(fault?.advice?.contains("root") == true)
    }
}
