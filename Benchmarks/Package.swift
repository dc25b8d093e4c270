// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that users of Millrace need not resolve what only benchmarks need. Its library targets are
// links to the real sources.
let package = Package(
    name: "millrace-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2")
    ],
    targets: [
        .systemLibrary(name: "CFFTW", pkgConfig: "fftw3", providers: [.apt(["libfftw3-dev"])]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .target(name: "Domain"),
        .target(name: "Bytes", dependencies: ["Domain", .product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "Plugins", dependencies: ["Domain", "Bytes"]),
        .target(name: "Compute", dependencies: ["Bytes", "CFFTW", "COpenBLAS"]),
        .target(name: "Apps", dependencies: ["Plugins", "Compute", "Domain", "Bytes"]),
        .executableTarget(
            name: "kernel-bench", dependencies: ["Apps", "Plugins", "Compute", "Domain", "CFFTW"]),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
    ]
}
