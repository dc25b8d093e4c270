// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that users of Millrace need not resolve what only benchmarks need.
let package = Package(
    name: "millrace-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "millrace", path: "..")],
    targets: [
        .executableTarget(
            name: "kernel-bench", dependencies: [.product(name: "MillraceApps", package: "millrace")]),
        .executableTarget(
            name: "verify-bench", dependencies: [.product(name: "MillraceApps", package: "millrace")]),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
    ]
}
