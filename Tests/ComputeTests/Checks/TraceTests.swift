import Bytes
import Compute
import Domain
import Testing

/// Committed traces: proofs, replay of random segments, and disputes.
@Suite struct TraceTests {
    /// One step of a computation that any machine repeats bit for bit.
    static func step(_ index: Int, _ state: [UInt8]) -> [UInt8]? {
        guard state.count == 16 else { return nil }
        return Array(SHA256Hash.digest(of: state + [UInt8(truncatingIfNeeded: index)]).bytes.prefix(16))
    }

    static func states(_ seed: UInt64, _ segments: Int) -> [[UInt8]] {
        var source = SeededGenerator(seed: seed)
        var states = [source.nextBytes(16)]
        for index in 0..<segments { states.append(step(index, states[index]) ?? []) }
        return states
    }

    static func tree(_ states: [[UInt8]]) -> TraceTree {
        TraceTree(checkpoints: states.map { SHA256Hash.digest(of: $0) })!
    }

    /// RFC 6962, section 2.1, word for word and slowly.
    static func root(_ leaves: [Digest]) -> Digest {
        guard leaves.count > 1 else { return leaves[0] }
        var split = 1
        while split * 2 < leaves.count { split *= 2 }
        return SHA256Hash.digest(
            of: [1] + root(Array(leaves[..<split])).bytes + root(Array(leaves[split...])).bytes)
    }

    @Test func rootsAndProofsAreThoseOfTheStandard() {
        for count in 1...40 {
            let states = Self.states(UInt64(count), count - 1)
            let tree = Self.tree(states)
            let leaves = states.enumerated().map { index, state in
                SHA256Hash.digest(
                    of: [0, UInt8(index), 0, 0, 0, 0, 0, 0, 0] + SHA256Hash.digest(of: state).bytes)
            }
            #expect(tree.commitment == TraceCommitment(root: Self.root(leaves), count: count))
            for index in 0..<count {
                guard let proof = tree.proof(index) else { return #expect(Bool(false), "no proof of \(index)") }
                #expect(tree.commitment.contains(proof))
                #expect(proof.path.count <= 6)
            }
            #expect(tree.proof(count) == nil && tree.proof(-1) == nil)
        }
        #expect(TraceTree(checkpoints: []) == nil)
    }

    @Test func noFalseProofIsAccepted() {
        var source = SeededGenerator(seed: 71)
        for _ in 0..<10_000 {
            let count = 2 + source.nextIndex(below: 20)
            let tree = Self.tree(Self.states(source.next() % 50, count - 1))
            var commitment = tree.commitment
            let honest = tree.proof(source.nextIndex(below: count))!
            var proof = honest
            switch source.nextIndex(below: 7) {
            case 0: proof.index = [honest.index ^ 1, -1, .max, count, .min][source.nextIndex(below: 5)]
            case 1: proof.digest = Digest(bytes: source.nextBytes(32))!
            case 2: proof.path.removeLast()
            case 3: proof.path.append(proof.digest)
            case 4: proof.path[source.nextIndex(below: proof.path.count)] = commitment.root
            case 5: proof.path.swapAt(0, proof.path.count - 1)
            default: commitment.count = [0, -5, .max, count * 2 + 1][source.nextIndex(below: 4)]
            }
            guard proof != honest || commitment != tree.commitment else { continue }
            #expect(!commitment.contains(proof))
        }
    }

    /// What a worker sends: proofs of both ends and the segments that were asked for.
    static func verify(
        _ committed: [[UInt8]], _ opened: [[UInt8]], start: [UInt8], end: [UInt8], segments: Int, _ challenge: UInt64
    ) -> Proof {
        let tree = Self.tree(committed)
        let check = TraceCheck(
            tree.commitment, start: SHA256Hash.digest(of: start), end: SHA256Hash.digest(of: end), segments: segments,
            challenge: challenge)
        let openings = check.segments.map {
            TraceOpening(state: opened[$0], before: tree.proof($0)!, after: tree.proof($0 + 1)!)
        }
        return check.verify(
            first: tree.proof(0)!, last: tree.proof(committed.count - 1)!, openings: openings, replay: Self.step)
    }

    @Test func noFalseTracePassesWhenAllIsOpened() {
        var source = SeededGenerator(seed: 72)
        for _ in 0..<10_000 {
            let segments = 2 + source.nextIndex(below: 12)
            let honest = Self.states(source.next() % 100, segments)
            var states = honest
            let at = source.nextIndex(below: states.count)
            switch source.nextIndex(below: 7) {
            case 0: states[at][source.nextIndex(below: 16)] ^= 1 << UInt8(source.nextIndex(below: 8))
            case 1: states.swapAt(at, (at + 1) % states.count)
            case 2: states = Self.states(1000 + source.next() % 100, segments)
            case 3: states[segments] = source.nextBytes(16)
            case 4: states[at].removeLast()
            case 5: states[at] = []
            default:
                // Skips a step and computes on from there.
                for later in max(1, at)..<states.count { states[later] = Self.step(later, states[later - 1]) ?? [] }
            }
            guard states != honest else { continue }
            let challenge = source.next()
            let proof = Self.verify(
                states, states, start: honest[0], end: honest[segments], segments: 100, challenge)
            #expect(proof.isRefused)
            // Opening the right bytes of a false commitment does not help.
            #expect(
                Self.verify(states, honest, start: honest[0], end: honest[segments], segments: 100, challenge)
                    .isRefused)
        }
    }

    @Test func honestTracesAlwaysPass() {
        var source = SeededGenerator(seed: 73)
        for _ in 0..<10_000 {
            let segments = 1 + source.nextIndex(below: 30)
            let states = Self.states(source.next() % 200, segments)
            let opened = 1 + source.nextIndex(below: 4)
            let proof = Self.verify(
                states, states, start: states[0], end: states[segments], segments: opened, source.next())
            #expect(proof.isHeld)
        }
    }

    /// One false segment of 20, 4 opened: found in a fifth of the cases, as stated.
    @Test func findsAsOftenAsItSays() {
        var states = Self.states(5, 20)
        let end = states[20]
        // The lie: step 7 gives something else, and everything later is what it should be.
        states[8] = Array(states[8].reversed())
        var found = 0
        for challenge in 0..<4000 {
            let proof = Self.verify(
                states, states, start: states[0], end: end, segments: 4, UInt64(challenge))
            if proof.isRefused { found += 1 }
        }
        let tree = Self.tree(states)
        let check = TraceCheck(
            tree.commitment, start: tree.checkpoints[0], end: tree.checkpoints[20], segments: 4, challenge: 1)
        // Segments 7 and 8 are both false: 1 - C(18,4)/C(20,4).
        let stated = 1 - check.missProbability(falseSegments: 2)
        #expect(abs(stated - (1 - 3060.0 / 4845)) < 1e-12)
        #expect(abs(Double(found) / 4000 - stated) < 0.03)
        #expect(check.cost.ratio == 0.2)
        #expect(check.missProbability(falseSegments: 0) == 1 && check.missProbability(falseSegments: 17) == 0)
    }

    /// Drives a dispute to its end; a liar may fail to answer at a round.
    static func settle(
        _ one: [[UInt8]], _ two: [[UInt8]], start: [UInt8], silent: (TraceBisection.Side, Int)? = nil
    ) -> (TraceBisection.Outcome, rounds: Int) {
        let (a, b) = (Self.tree(one), Self.tree(two))
        var dispute = TraceBisection(a.commitment, b.commitment, start: SHA256Hash.digest(of: start))!
        while true {
            switch dispute.stage {
            case .descending(let level, let index):
                let isSilent = { side in silent?.0 == side && silent?.1 == dispute.rounds }
                dispute.answer(
                    nodes: isSilent(.first) ? nil : a.children(level: level, index: index),
                    isSilent(.second) ? nil : b.children(level: level, index: index))
            case .opening(let index):
                dispute.answer(checkpoints: a.checkpoints[index], b.checkpoints[index])
            case .replaying(let segment):
                let (proof, state) = (a.proof(segment)!, one[segment])
                let isForeign = dispute.settle(state: [1], proof: proof, replay: Self.step)
                let isTaken = dispute.settle(state: state, proof: proof, replay: Self.step)
                #expect(!isForeign && isTaken)
            case .settled(let outcome): return (outcome, dispute.rounds)
            }
        }
    }

    @Test func disputesConvictTheLiarAtTheFirstFalseStep() {
        var source = SeededGenerator(seed: 74)
        for _ in 0..<10_000 {
            let segments = 1 + source.nextIndex(below: 40)
            let honest = Self.states(source.next() % 200, segments)
            var liar = honest
            let at = source.nextIndex(below: honest.count)
            liar[at][3] ^= 0x40
            // Parts for good, or meets the true trace again at random places.
            for later in (at + 1)..<max(at + 1, honest.count) where source.next() & 1 == 0 {
                liar[later] = Self.step(later - 1, liar[later - 1]) ?? []
            }
            let isFirst = source.next() & 1 == 0
            let (outcome, rounds) =
                isFirst
                ? Self.settle(liar, honest, start: honest[0]) : Self.settle(honest, liar, start: honest[0])
            guard case .wrong(let sides, let segment, _) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(sides == [isFirst ? .first : .second])
            #expect(segment == (at == 0 ? nil : at - 1))
            #expect(1 << (rounds - 1) < honest.count)
        }
    }

    @Test func silenceConvicts() {
        let honest = Self.states(1, 30)
        var liar = honest
        liar[20] = Array(liar[20].reversed())
        for round in 0..<4 {
            for side in TraceBisection.Side.allCases {
                let (outcome, _) = Self.settle(honest, liar, start: honest[0], silent: (side, round))
                guard case .wrong(let sides, nil, _) = outcome else {
                    Issue.record("\(outcome)")
                    continue
                }
                #expect(sides == [side])
            }
        }
        #expect(Self.settle(honest, honest, start: honest[0]).0 == .same)
        let shorter = Self.tree(Array(honest.dropLast())).commitment
        #expect(TraceBisection(Self.tree(honest).commitment, shorter, start: shorter.root) == nil)
        // Both lie: the referee convicts both.
        var other = honest
        other[20][0] ^= 1
        guard case .wrong(let sides, 19, _) = Self.settle(liar, other, start: honest[0]).0 else {
            Issue.record("two liars were not both convicted")
            return
        }
        #expect(sides == [.first, .second])
    }
}
