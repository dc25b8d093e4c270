import Bytes
import ClientCore
import ClientSystem
import Testing

@Suite("The terminal view's keys")
struct TopKeyTests {
    private func state(_ tasks: Int = 3, isPaused: Bool = false) throws -> TopState {
        var state = TopState()
        state.take(.success(try SampleStatus.make(tasks: tasks, isPaused: isPaused)))
        return state
    }

    private func request(_ act: TopState.Act?) -> ControlRequest? {
        if case .ask(let request)? = act { request } else { nil }
    }

    @Test("Bytes become keys, however they are cut; a lone escape is one when nothing follows")
    func reading() {
        let bytes = Array("q\u{1B}[A\u{1B}OB\u{1B}[5~\u{1B}[1;5C\u{3}é\u{1B}[H\r".utf8)
        let expected: [TopKey] = [.character("q"), .up, .down, .pageUp, .quit, .home, .enter]
        var whole = TopKeyReader()
        #expect(whole.take(bytes) == expected)
        var single = TopKeyReader()
        #expect(bytes.flatMap { single.take([$0]) } == expected)
        var escape = TopKeyReader()
        #expect(escape.take([0x1B]).isEmpty && escape.isWaiting)
        #expect(escape.settle() == [.escape] && !escape.isWaiting)
        #expect(escape.take([0x1B, 0x1B]) == [.escape] && escape.settle() == [.escape])
        var random = SeededGenerator(seed: 5)
        var reader = TopKeyReader()
        // Garbage never holds it up for long.
        for _ in 0..<50_000 { _ = reader.take([UInt8.random(in: 0...255, using: &random)]) }
        _ = reader.settle()
        #expect(reader.take(Array("q".utf8)) == [.character("q")])
    }

    @Test("Pause asks for how long, and takes no other answer")
    func pause() throws {
        for (key, seconds) in [("1", 3600.0), ("2", 7200), ("4", 14_400), ("8", 28_800)] {
            var state = try state()
            #expect(state.take(.character("p")) == nil && state.mode == .askPause)
            let request = request(state.take(.character(Character(key))))
            #expect(request?.command == .pause && request?.seconds == seconds && state.mode == .tasks)
        }
        var state = try state()
        _ = state.take(.character("p"))
        let forever = request(state.take(.character("u")))
        #expect(forever?.command == .pause && forever?.seconds == nil)
        for key in [TopKey.character("x"), .escape, .enter, .up, .character("q")] {
            _ = state.take(.character("p"))
            #expect(state.take(key) == nil && state.mode == .tasks)
        }
    }

    @Test("What cannot be taken back asks first; only y is yes")
    func asking() throws {
        var state = try state()
        _ = state.take(.down)
        #expect(state.take(.character("a")) == nil)
        let abort = request(state.take(.character("y")))
        #expect(abort?.command == .abortTask && abort?.task == "1.2#0" && abort?.project == "server_0")
        #expect(abort?.problem == nil)
        #expect(state.take(.character("f")) == nil)
        #expect(request(state.take(.character("y")))?.command == .finish)
        for key in [TopKey.character("n"), .escape, .enter, .character("Y")] {
            _ = state.take(.character("a"))
            #expect(state.take(key) == nil && state.mode == .tasks)
        }
        // The task that was asked about is gone: the question, too.
        _ = state.take(.character("a"))
        state.take(.success(try SampleStatus.make(tasks: 0)))
        #expect(state.mode == .tasks && state.take(.character("y")) == nil && state.take(.character("a")) == nil)
    }

    @Test("Resume, new work, suspend and resume of a task, help, why, quit")
    func others() throws {
        var state = try state(3)
        #expect(request(state.take(.character("r")))?.command == .resume)
        let work = request(state.take(.character("n")))
        #expect(work?.command == .newWork && work?.allowed == false)
        #expect(request(state.take(.character("s")))?.command == .suspendTask)
        _ = state.take(.end)
        #expect(state.selectedTask?.state == "suspended")
        #expect(request(state.take(.character("s")))?.command == .resumeTask)
        #expect(state.take(.character("?")) == nil && state.mode == .help)
        #expect(state.take(.character("q")) == nil && state.mode == .tasks, "q leaves the help first")
        #expect(state.take(.character("w")) == nil && state.mode == .why)
        #expect(state.take(.character("w")) == nil && state.mode == .tasks)
        #expect(state.take(.character("q")) == .quit && state.take(.quit) == .quit && state.take(.suspend) == .suspend)
    }

    @Test("The selection stays with its task while others come and go")
    func selection() throws {
        var state = try state(3)
        #expect(state.selected?.task == "1.1#0")
        _ = state.take(.down)
        state.take(.success(try SampleStatus.make(tasks: 5)))
        #expect(state.selected?.task == "1.2#0")
        state.take(.success(try SampleStatus.make(tasks: 1)))
        #expect(state.selected?.task == "1.1#0")
        _ = state.take(.up)
        #expect(state.selected?.task == "1.1#0")
        state.take(.success(try SampleStatus.make(tasks: 0)))
        #expect(state.selected == nil && state.take(.character("s")) == nil && state.take(.down) == nil)
    }
}
