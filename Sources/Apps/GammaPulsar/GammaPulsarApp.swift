import Domain
import Plugins

/// Blind search for gamma-ray pulsars by time differences of photons. The README of this folder tells the method.
public enum GammaPulsarApp {
    public static let descriptor = AppDescriptor(
        schema: schema, kernel: GammaPulsarKernel.self, splitter: GammaPulsarSplitter(),
        validator: GammaPulsarValidator(), assembler: GammaPulsarAssembler.self)

    /// Results agree within this part of a power, plus `absoluteTolerance` times the noise.
    static let relativeTolerance = 1e-4
    /// In units of the noise, sqrt(ΣW²/2).
    static let absoluteTolerance = 1e-3

    static let schema = AppSchema(
        name: "gamma-pulsar", version: 1, title: "Blind search for gamma-ray pulsars",
        step: "one derivative ratio of one frequency band", parameters: parameters,
        inputs: [
            InputSchema(
                name: "photons", packing: .table, columns: ["time_s", "weight"],
                description: "arrival times at the solar-system barycentre (TDB seconds since any epoch) and the "
                    + "probability of each photon to come from the source")
        ],
        results: [
            ResultSchema(
                name: "candidates.frequency", kind: "float64", description: "Hz, of the strongest candidate first"),
            ResultSchema(name: "candidates.ratio", kind: "float64", description: "f1/f, 1/s"),
            ResultSchema(name: "candidates.power", kind: "float64", description: "sum over photon pairs"),
            ResultSchema(name: "candidates.sigma", kind: "float64", description: "power in units of its noise"),
            ResultSchema(name: "grid.count", kind: "int64", description: "frequencies searched, for each ratio"),
            ResultSchema(name: "grid.sum", kind: "float64", description: "sum of powers, for each ratio"),
            ResultSchema(
                name: "grid.sum_of_squares", kind: "float64", description: "sum of squared powers, for each ratio"),
        ],
        numericClass: .tolerance(relative: relativeTolerance, absolute: absoluteTolerance))

    private static let parameters = [
        ParameterSchema(
            name: "frequency_min_hz", kind: .real, unit: "Hz", defaultValue: .real(0), minimum: 0, maximum: 4096,
            description: "lower end of the searched frequencies"),
        ParameterSchema(
            name: "frequency_max_hz", kind: .real, unit: "Hz", defaultValue: .real(256), minimum: 0, maximum: 4096,
            description: "upper end of the searched frequencies"),
        ParameterSchema(
            name: "band_width_hz", kind: .real, unit: "Hz", defaultValue: .real(8), minimum: 0.125, maximum: 64,
            description: "width of the band that one transform covers"),
        ParameterSchema(
            name: "lag_window_s", kind: .real, unit: "s", defaultValue: .real(524_288), minimum: 1024,
            maximum: 4_194_304, description: "photon pairs closer than this are used"),
        ParameterSchema(
            name: "f1_over_f", kind: .reals, unit: "1/s", defaultValue: .reals([0]), minimum: -1e-9, maximum: 1e-9,
            description: "ratios of frequency derivative to frequency at the mean epoch that are tried"),
        ParameterSchema(
            name: "candidates", kind: .integer, unit: "", defaultValue: .integer(20), minimum: 1, maximum: 1000,
            description: "candidates that a work unit reports at most"),
        ParameterSchema(
            name: "veto_hz", kind: .real, unit: "Hz", defaultValue: .real(0.05), minimum: 0, maximum: 4,
            description: "half-width of what is left out around 0 Hz and every multiple of the band width"),
        ParameterSchema(
            name: "detection_probability", kind: .real, unit: "", defaultValue: .real(1e-3), minimum: 1e-12,
            maximum: 0.5, description: "false-alarm probability of the whole search below which it is a detection"),
        ParameterSchema(
            name: "epoch_mjd", kind: .real, unit: "d", defaultValue: .real(0), minimum: 0, maximum: 100_000,
            description: "MJD (TDB) at which time_s is zero, for the answer's epoch; 0: not stated"),
    ]
}
