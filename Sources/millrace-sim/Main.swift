import Simulation
@main struct Main { static func main() throws {
  let a = CommandLine.arguments
  let seed = UInt64(a[1])!
  let o = a.count > 2 ? (a[2] == "swarm" ? SimOptions.swarm(seed: seed) : try SimOptions(text: a[2])) : SimOptions()
  let t = ContinuousClock.now
  let r = try Simulator.run(seed: seed, options: o, show: a.count > 3 ? { print($0) } : nil)
  let d = t.duration(to: .now)
  print(r.options.text); print(r.outcome, r.violation as Any, Simulator.hex(r.traceHash), r.events, r.seconds, r.calls, d, Double(r.events)/(Double(d.components.attoseconds)/1e18+Double(d.components.seconds)))
}}
