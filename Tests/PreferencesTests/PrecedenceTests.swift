import Bytes
import Domain
import Preferences
import Testing

@Suite("Which value holds")
struct PrecedenceTests {
    /// Another value than any preset's, for every field.
    static let others: [String: String] = [
        "in_use.idle_after": "7 min", "in_use.cores": "3", "in_use.cpu": "33 %", "in_use.memory": "44 %",
        "not_in_use.compute": "no", "not_in_use.cores": "5", "not_in_use.cpu": "66 %", "not_in_use.memory": "77 %",
        "pause.other_load": "12 %", "pause.exclusive_programs": "[steam]", "pause.charge_below": "42 %",
        "pause.temperature": "66 °C", "pause.temperature_margin": "7 °C", "pause.memory_pressure": "13 %",
        "pause.disk_pressure": "14 %", "disk.most": "11 GiB", "disk.keep_free": "12 GiB",
        "network.download": "33 kB/s", "network.upload": "44 kB/s", "network.per_day": "55 MB",
        "network.on_metered": "allow", "windows.compute": "mon 10:00-11:00", "windows.network": "tue 10:00-11:00",
        "permission.file": "/a", "permission.command": "[/b]", "permission.time_limit": "6 s",
        "permission.keep": "7 s", "work.buffer": "8 min", "work.checkpoint": "9 min", "work.keep_in_memory": "11 min",
        "shares": "{\"https://a\": 5}",
    ]

    @Test("Nothing written: every value is the preset's, and says so")
    func presetAlone() throws {
        for entry in EffectivePreferences(written: nil).entries { #expect(entry.origin == .preset(.standard)) }
        for preset in Preset.allCases {
            let effective = try #require(try Text.effective("preset: \(preset.rawValue)\n"))
            for entry in effective.entries {
                #expect(entry.origin == (entry.key.path == "preset" ? .file(line: 1) : .preset(preset)))
            }
        }
        #expect(EffectivePreferences(written: nil).preferences == Preferences.standard)
    }

    @Test("The command line before the file, the file before the preset, for every field")
    func everyField() throws {
        for key in PreferenceKeys.all where key.path != "preset" {
            let other = Self.others[key.path] ?? (key.text(in: .quiet) == "yes" ? "no" : "yes")
            for preset in Preset.allCases {
                let text = "# a line\npreset: \(preset.rawValue)\n" + Text.file(key.path, other)
                let line = key.path.contains(".") ? 4 : 3
                let byFile = try #require(try Text.effective(text), "\(key.path)")
                let plain = try #require(try Text.effective("preset: \(preset.rawValue)"))
                for (a, b) in zip(byFile.entries, plain.entries) where a.key.path != "preset" {
                    if a.key.path == key.path {
                        #expect(a.origin == .file(line: line), "\(key.path)")
                        if Self.others[key.path] != nil { #expect(a.value != b.value, "\(key.path)") }
                    } else {
                        #expect(a.value == b.value && a.origin == .preset(preset))
                    }
                }
                if Self.others[key.path] != nil { #expect(byFile.preferences != plain.preferences || key.isRefinement) }
                guard ![.names, .command, .shares].contains(key.kind) else { continue }
                let option = PreferenceOption(path: key.path, text: key.text(in: .maximum), option: "--x")
                let byOption = try #require(try Text.effective(text, [option]))
                let entry = try #require(byOption.entries.first { $0.key.path == key.path })
                #expect(entry.origin == .option("--x"))
                #expect(entry.text == key.text(in: .maximum) || key.kind == .flag)
            }
        }
    }

    @Test("A preset of the command line changes what the file leaves open, and nothing else")
    func presetOption() throws {
        let option = PreferenceOption(path: "preset", text: "maximum", option: "--preset")
        let effective = try #require(try Text.effective("preset: quiet\nin_use:\n  cores: 3\n", [option]))
        #expect(effective.preferences.inUse.cores == .count(3))
        #expect(effective.preferences.inUse.compute)
        for entry in effective.entries where !["preset", "in_use.cores"].contains(entry.key.path) {
            #expect(entry.origin == .preset(.maximum))
        }
    }

    @Test("An option that is no value is an error of usage that names it")
    func badOption() {
        for (path, text) in [("in_use.cores", "0"), ("in_use.cores", "x"), ("no.such", "1"), ("in_use.cpu", "")] {
            let fault = #expect(throws: Fault.self) {
                _ = try EffectivePreferences(
                    written: nil, options: [PreferenceOption(path: path, text: text, option: "--this")])
            }
            #expect(fault?.kind == .usage)
            #expect(fault?.message.hasPrefix("--this: ") == true)
        }
    }

    @Test("Drawn files: each value comes from its line, all others from the preset")
    func drawn() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<100 {
            let preset = Preset.allCases[Int.random(in: 0..<3, using: &random)]
            let chosen = PreferenceKeys.all.filter {
                Self.others[$0.path] != nil && $0.path != "permission.command" && Bool.random(using: &random)
            }
            var lines = ["preset: \(preset.rawValue)"]
            var places: [String: Int] = [:]
            for section in ["in_use", "not_in_use", "pause", "disk", "network", "windows", "permission", "work", ""] {
                let fields = chosen.filter {
                    $0.path.hasPrefix(section + ".") || section.isEmpty && $0.path == "shares"
                }
                guard !fields.isEmpty else { continue }
                if !section.isEmpty { lines.append("\(section):") }
                for key in fields {
                    let leaf = key.path.split(separator: ".").last ?? ""
                    lines.append((section.isEmpty ? "" : "  ") + "\(leaf): \(Self.others[key.path] ?? "")")
                    places[key.path] = lines.count
                    if Bool.random(using: &random) { lines.append("# a comment") }
                }
            }
            let effective = try #require(try Text.effective(lines.joined(separator: "\n")), "\(lines)")
            for entry in effective.entries where entry.key.path != "preset" {
                #expect(entry.origin == places[entry.key.path].map { .file(line: $0) } ?? .preset(preset))
            }
        }
    }
}

extension PreferenceKey {
    /// A field that means nothing before another is set.
    var isRefinement: Bool { ["permission.time_limit", "permission.keep"].contains(path) }
}
