import Synchronization

/// Pages of the last second, or of ten times as long as they took to make, so that a crowd that looks costs the writer
/// no more than one reader.
///
/// Who asks while a page is being made waits for that one: a page of a large batch walks through all of its units, and
/// a crowd that came before the first was done would each walk.
public final class PageShelf<Page: Sendable>: Sendable {
    private struct Kept {
        var making: Task<Page, any Error>
        var begunAt: ContinuousClock.Instant
        /// When it was done; nil while it is being made.
        var madeAt: ContinuousClock.Instant?
        var number: UInt64
    }

    private struct State {
        var pages: [String: Kept] = [:]
        var count: UInt64 = 0
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> ContinuousClock.Instant
    private let pagesMax = 64
    private let lifetime: Duration = .seconds(1)
    /// A page that is asked for all the time takes at most an eleventh of the writer's.
    private let lifetimeByMaking = 10
    /// A page that only waited for a busy writer is not old for long.
    private let lifetimeMax: Duration = .seconds(60)

    public init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.now = now
    }

    /// The page that is kept or under way, or a new one. Its time is counted from the end of the making, so that a
    /// page that takes longer is not made again at once.
    ///
    /// - Parameter make: goes on when the reader that began it hangs up: others may wait for it.
    /// - Throws: what `make` throws; a failure is given to all that wait, and not kept.
    public func page(_ key: String, make: @escaping @Sendable () async throws -> Page) async throws -> Page {
        let making = state.withLock { state -> Task<Page, any Error> in
            if let kept = state.pages[key], isFresh(kept) { return kept.making }
            makeRoom(&state.pages)
            state.count += 1
            let number = state.count
            let making = Task {
                do {
                    let page = try await make()
                    done(key, number, isKept: true)
                    return page
                } catch {
                    done(key, number, isKept: false)
                    throw error
                }
            }
            state.pages[key] = Kept(making: making, begunAt: now(), madeAt: nil, number: number)
            return making
        }
        return try await making.value
    }

    private func isFresh(_ kept: Kept) -> Bool {
        guard let made = kept.madeAt else { return true }
        let stays = min(max(lifetime, kept.begunAt.duration(to: made) * lifetimeByMaking), lifetimeMax)
        return made.duration(to: now()) < stays
    }

    /// - Parameter number: of the making that ended; a later one of the same key is left alone.
    private func done(_ key: String, _ number: UInt64, isKept: Bool) {
        state.withLock { state in
            guard state.pages[key]?.number == number else { return }
            if isKept { state.pages[key]?.madeAt = now() } else { state.pages[key] = nil }
        }
    }

    /// Never drops what is being made: those are at most as many as there are connections.
    private func makeRoom(_ pages: inout [String: Kept]) {
        guard pages.count >= pagesMax else { return }
        pages = pages.filter { isFresh($0.value) }
        while pages.count >= pagesMax,
            let oldest = pages.filter({ $0.value.madeAt != nil }).min(by: { $0.value.number < $1.value.number })
        {
            pages[oldest.key] = nil
        }
    }
}
