import ClientCore
import Domain
import Testing
import Wire

@Suite("What a host says of its availability")
struct AvailabilityTests {
    @Test(
        "A new client whose user is at the keyboard is not taken for one that never computes, nor for one that always does"
    )
    func newClient() {
        var driver = Driver { $0.idle.always = false }
        #expect(driver.call?.request.availability == 1.0 / 24)
        driver.send(.probed([ProbeReading(kind: .userInput, value: .idle(milliseconds: 0), at: driver.now)]), after: 5)
        driver.send(.tick, after: 60)
        #expect(driver.machine.state.availability == 1.0 / 24)
        for _ in 0..<48 { driver.send(.tick, after: 3600) }
        #expect(driver.machine.state.availability == 0.01, "two days without computing do count")
    }
}
