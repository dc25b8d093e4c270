import ClientCore
import Domain
import Testing

@Suite("What a host says of its availability")
struct AvailabilityTests {
    @Test("A new client whose user is at the keyboard is not taken for one that never computes")
    func newClient() {
        var driver = Driver { $0.idle.always = false }
        driver.send(.probed(PausingTests.here(driver.now)), after: 5)
        driver.send(.tick, after: 60)
        #expect(driver.machine.state.availability > 0.99)
        for _ in 0..<48 { driver.send(.probed(PausingTests.here(driver.now + TimeSpan(seconds: 3600))), after: 3600) }
        #expect(driver.machine.state.availability < 0.2, "two days without computing do count")
        #expect(driver.machine.state.availability >= 0.01)
    }
}
