import ArgumentParser
import Simulation

struct Fleet: ParsableCommand {
    func run() throws {}
}
