extension Simulator {
    /// Simulates hosts with habits under both policies, the same hosts under each.
    public static func volunteers(_ options: VolunteersOptions) -> VolunteersReport {
        var report = VolunteersReport(options: options)
        for policy in VolunteersPolicy.allCases {
            var all = VolunteersTally()
            var byHabit: [VolunteerHabit: VolunteersTally] = [:]
            for place in 0..<options.hosts {
                let habit = VolunteerHabit.allCases[place % VolunteerHabit.allCases.count]
                let tally = host(place, habit, policy, options)
                all += tally
                byHabit[habit, default: VolunteersTally()] += tally
            }
            for habit in VolunteerHabit.allCases {
                report.lines.append(.init(policy: policy, habit: habit, tally: byHabit[habit] ?? VolunteersTally()))
            }
            report.lines.append(.init(policy: policy, habit: nil, tally: all))
        }
        return report
    }

    private static func host(
        _ place: Int, _ habit: VolunteerHabit, _ policy: VolunteersPolicy, _ options: VolunteersOptions
    ) -> VolunteersTally {
        // What a host is and does when must not depend on what it is given.
        var nature = Draws(seed: options.seed, purpose: 0x70, number: place)
        let luck = Draws(seed: options.seed, purpose: 0x71, number: place)
        let cores = [1, 2, 4][nature.index(below: 3)]
        let fast = nature.unit()
        let speed = 1e9 * (1 + 7 * fast * fast)
        let sessions = habit.sessions(until: options.end, &nature)
        let bufferSeconds = options.bufferHours * 3600
        func live(_ mind: some VolunteerMind) -> VolunteersTally {
            var host = VolunteerHost(place: place, options, cores: cores, speed: speed, draws: luck, mind: mind)
            host.live(sessions, until: options.end)
            return host.tally
        }
        return switch policy {
        case .planned: live(PlannedMind(cores: cores, bufferSeconds: bufferSeconds))
        case .naive: live(NaiveMind(cores: cores, bufferSeconds: bufferSeconds))
        }
    }
}
