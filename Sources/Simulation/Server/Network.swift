/// What lies between hosts and server.
final class Network {
    unowned let world: World
    private var draws: Draws
    /// Seconds after which a client gives a call up, in milliseconds.
    private static let patience: Int64 = 60_000

    init(world: World) {
        self.world = world
        draws = Draws(seed: world.seed, purpose: 0x4E)
    }

    private func travelTime() -> Int64 {
        world.has(.delay) && draws.chance(oneIn: 8) ? draws.wait(mean: 10_000) : draws.wait(mean: 40)
    }

    func send(_ request: Request) {
        if world.has(.loss), draws.chance(oneIn: 25) {
            lose(request)
            return
        }
        world.plan(.arrive(request), after: travelTime())
        if world.has(.double), draws.chance(oneIn: 20) { world.plan(.arrive(request.copy()), after: travelTime()) }
    }

    private func lose(_ request: Request) {
        request.isDone = true
        world.plan(
            .answer(host: request.host, life: request.life, call: request.call, .broken), after: Network.patience)
    }

    /// The server has done its work; what of that the client learns is another matter.
    func reply(to request: Request, _ answer: Answer) {
        var answer = answer
        var wait = travelTime()
        if world.has(.cut), draws.chance(oneIn: 25) {
            answer = .broken
        } else if world.has(.loss), draws.chance(oneIn: 40) {
            answer = .broken
            wait = Network.patience
        }
        world.note(.reply, who: request.host, answer.code, Int64(request.call), "")
        world.plan(.answer(host: request.host, life: request.life, call: request.call, answer), after: wait)
    }
}
