import Testing

/// Lets a few tests of a suite run at a time, of all suites that have it together, in the order in which they come.
///
/// Each of these tests starts several programs. All at once they would take turns on two cores, so that every one lasts
/// as long as all of them, and limits of time would say nothing.
struct Places: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        await Room.shared.enter()
        do {
            try await function()
        } catch {
            await Room.shared.leave()
            throw error
        }
        await Room.shared.leave()
    }
}

extension Trait where Self == Places {
    /// Takes one of the places for tests that start programs.
    static var placed: Self { Places() }
}

private actor Room {
    static let shared = Room(places: 6)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int) { free = places }

    func enter() async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    /// Hands the place to whoever waits longest.
    func leave() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}
