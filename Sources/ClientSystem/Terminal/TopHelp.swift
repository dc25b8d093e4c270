/// What the keys do.
enum TopHelp {
    private static let keys: [(String, String)] = [
        ("arrows", "choose a task; page up and down, home and end as well"),
        ("w, enter", "why: what stands against computing, network and new work, and what would have to change"),
        ("p", "pause; you are asked for how long"),
        ("r", "resume: ends a pause, a finish, and the wait after failed tasks"),
        ("n", "new work off, or on again, for all projects"),
        ("f", "finish what is begun, give back the rest, and end; once more takes it back"),
        ("s", "the chosen task rests, or goes on"),
        ("a", "the chosen task is given back to its project"),
        ("?", "this help"),
        ("q, ctrl-c", "ends this view; the client goes on"),
    ]

    static func lines(columns: Int) -> [TerminalLine] {
        var lines = [TerminalLine("Keys", .strong)]
        for (key, words) in keys {
            let width = min(11, columns)
            for (place, words) in TerminalLine.wrapped(words, columns: max(1, columns - width)).enumerated() {
                var line = TerminalLine()
                line.add(place == 0 ? key : "", .strong, columns: width)
                line.add(words.text)
                lines.append(line)
            }
        }
        return lines
    }
}
