// swift-tools-version: 6.2
import PackageDescription

// Layers and import rules: ARCHITECTURE.md. Tests/ArchitectureTests compares this file, the table there and the
// import lines of the sources.

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let mustache: Target.Dependency = .product(name: "Mustache", package: "swift-mustache")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "millrace",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "millrace", targets: ["millrace"]),
        .executable(name: "millrace-server", targets: ["millrace-server"]),
        .executable(name: "millrace-client", targets: ["millrace-client"]),
        .executable(name: "millrace-worker", targets: ["millrace-worker"]),
        .executable(name: "millrace-wasm", targets: ["millrace-wasm"]),
        .executable(name: "millrace-sim", targets: ["millrace-sim"]),
        .executable(name: "millrace-bench", targets: ["millrace-bench"]),
        // For the package in Benchmarks/.
        .library(name: "MillraceApps", targets: ["Apps", "Plugins", "Compute", "Domain"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
    ],
    targets: [
        // Layer 0: system libraries.
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CFFTW", pkgConfig: "fftw3", providers: [.apt(["libfftw3-dev"])]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(
            name: "CXcb", pkgConfig: "xcb-screensaver",
            providers: [.apt(["libxcb1-dev", "libxcb-screensaver0-dev", "libxcb-sync-dev"])]),
        .systemLibrary(name: "CPosix"),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        // No library to link: Wasmtime is found when a program starts.
        .systemLibrary(name: "CWasmtime"),
        // Layer 1.
        .target(name: "Domain"),
        .target(name: "Bytes", dependencies: ["Domain", crypto]),
        .target(name: "Measuring"),
        // Layer 2.
        .target(
            name: "Wire",
            dependencies: ["Domain", "Bytes", "CZstd", protobuf],
            exclude: ["README.md", "Generated/README.md"]
        ),
        .target(name: "YAMLText", dependencies: ["Domain", "CYaml"]),
        .target(name: "Manifest", dependencies: ["YAMLText", "Domain"]),
        .target(name: "Preferences", dependencies: ["YAMLText", "Domain"]),
        .target(name: "Confinement", dependencies: ["Domain", "CPosix"]),
        .target(name: "WebAssembly", dependencies: ["Domain", "CWasmtime"]),
        .target(name: "Plugins", dependencies: ["Domain", "Bytes"]),
        .target(name: "Engine", dependencies: ["Domain"]),
        .target(name: "Transparency", dependencies: ["Domain", "Bytes"]),
        .target(name: "Releases", dependencies: ["Domain", "Bytes"]),
        .target(name: "Compute", dependencies: ["Domain", "Bytes", "CFFTW", "COpenBLAS"]),
        // Layer 3.
        .target(
            name: "Apps",
            dependencies: ["Plugins", "Compute", "Domain", "Bytes"],
            exclude: [
                "README.md", "GammaPulsar/README.md", "Similarity/README.md", "GramMatrix/README.md",
                "Programs/README.md",
            ]
        ),
        .target(name: "Comparators", dependencies: ["Plugins", "Bytes", "Domain"]),
        .target(name: "Storage", dependencies: ["Domain"]),
        // Layer 4.
        .target(name: "StorageSQLite", dependencies: ["Storage", "Domain", "CSQLite"]),
        .target(name: "StoragePostgres", dependencies: ["Storage", "Domain", "CPostgres"]),
        .target(name: "StorageS3", dependencies: ["StorageSQLite", "Storage", "Domain", "CCurl"]),
        .target(name: "ServerCore", dependencies: ["Engine", "Transparency", "Storage", "Wire", "Bytes", "Domain"]),
        .target(name: "ClientCore", dependencies: ["Engine", "Preferences", "Wire", "Bytes", "Domain"]),
        .target(name: "WorkerHost", dependencies: ["Confinement", "Wire", "Bytes", "Domain", "CPosix"]),
        // Layer 5.
        .target(
            name: "ServerHTTP",
            dependencies: [
                "ServerCore", "Transparency", "Releases", "Storage", "WorkerHost", "Manifest", "Wire", "Bytes",
                "Domain",
                "CZlib", hummingbird, mustache, logging,
            ]
        ),
        .target(
            name: "ClientSystem",
            dependencies: [
                "ClientCore", "Preferences", "Releases", "WorkerHost", "Wire", "Bytes", "Domain", "CCurl", "CXcb",
                "CPosix",
            ]
        ),
        .target(
            name: "Console",
            dependencies: [
                "ClientSystem", "WorkerHost", "Engine", "Manifest", "YAMLText", "Transparency", "Releases", "Wire",
                "Bytes",
                "Domain",
            ]
        ),
        .target(
            name: "Simulation",
            dependencies: ["ServerCore", "ClientCore", "Engine", "Storage", "Wire", "Bytes", "Domain"]
        ),
        // Layer 6: arguments and wiring, nothing else.
        .executableTarget(
            name: "millrace-server",
            dependencies: [
                "ServerHTTP", "ServerCore", "Transparency", "StorageS3", "StorageSQLite", "StoragePostgres", "Storage",
                "Bytes", "Domain", arguments, logging,
            ]
        ),
        .executableTarget(
            name: "millrace-client",
            dependencies: ["ClientSystem", "ClientCore", "Preferences", "WorkerHost", "Bytes", "Domain", arguments]
        ),
        .executableTarget(
            name: "millrace-worker",
            dependencies: [
                "Apps", "Comparators", "Plugins", "WorkerHost", "Confinement", "Wire", "Bytes", "Domain", "CPosix",
            ]
        ),
        .executableTarget(name: "millrace-wasm", dependencies: ["WebAssembly", "Domain", "CWasmtime"]),
        .executableTarget(name: "millrace", dependencies: ["Console", "Manifest", "Releases", "Domain", arguments]),
        .executableTarget(name: "millrace-sim", dependencies: ["Simulation", "StorageSQLite", arguments]),
        .executableTarget(
            name: "millrace-bench",
            dependencies: [
                "ServerHTTP", "ServerCore", "StorageSQLite", "StoragePostgres", "Storage", "ClientSystem", "WorkerHost",
                "Measuring", "Engine", "Wire", "Bytes", "Domain", protobuf, logging, arguments,
            ]
        ),
        // Stands in for the worker of one host in the demo and in the end-to-end tests; never installed.
        .executableTarget(
            name: "forging-worker",
            dependencies: ["Wire", "Bytes", "Domain", "CPosix"],
            path: "Tests/Equipment/ForgingWorker"
        ),
        .target(name: "TestChild", dependencies: ["CPosix"], path: "Tests/Equipment/TestChild"),
        .target(
            name: "PostgresServer", dependencies: ["CPostgres", "TestChild"], path: "Tests/Equipment/PostgresServer",
            exclude: ["postgres.sh"]
        ),
        // Tests.
        .testTarget(name: "DomainTests", dependencies: ["Domain"]),
        .testTarget(name: "BytesTests", dependencies: ["Bytes", "Domain"]),
        .testTarget(name: "ConfinementTests", dependencies: ["Confinement", "Domain"]),
        .testTarget(
            name: "WebAssemblyTests",
            dependencies: ["WebAssembly", "CWasmtime", "WorkerHost", "Confinement", "TestChild", "Domain"]
        ),
        .testTarget(name: "MeasuringTests", dependencies: ["Measuring", "Bytes"]),
        .testTarget(name: "WireTests", dependencies: ["Wire", "Bytes", "Domain", protobuf]),
        .testTarget(
            name: "ManifestTests", dependencies: ["Manifest", "YAMLText", "Domain"], exclude: ["Golden", "README.md"]
        ),
        .testTarget(name: "PreferencesTests", dependencies: ["Preferences", "Bytes", "Domain"]),
        .testTarget(name: "EngineTests", dependencies: ["Engine", "Domain"]),
        .testTarget(name: "TransparencyTests", dependencies: ["Transparency", "Bytes", "Domain"]),
        .testTarget(name: "ReleasesTests", dependencies: ["Releases", "Bytes", "Domain"]),
        .testTarget(name: "ComputeTests", dependencies: ["Compute", "Domain", "Bytes"]),
        .testTarget(name: "ComparatorsTests", dependencies: ["Comparators", "Plugins", "Engine", "Bytes", "Domain"]),
        .testTarget(
            name: "AppsTests", dependencies: ["Apps", "Plugins", "Compute", "Wire", "Domain", "Bytes", "TestChild"]),
        .testTarget(
            name: "StorageTests",
            dependencies: [
                "Storage", "StorageSQLite", "StoragePostgres", "StorageS3", "PostgresServer", "TestChild", "Domain",
                "CSQLite",
            ],
            exclude: ["README.md", "s3_server.py"]
        ),
        .testTarget(
            name: "ServerCoreTests",
            dependencies: [
                "ServerCore", "Engine", "Transparency", "Storage", "StorageSQLite", "Wire", "Bytes", "Domain",
                "CSQLite",
                protobuf,
            ]
        ),
        .testTarget(
            name: "ServerHTTPTests",
            dependencies: [
                "ServerHTTP", "ServerCore", "ClientSystem", "Console", "Releases", "Transparency", "StorageSQLite",
                "Storage", "TestChild", "WorkerHost", "Wire", "Bytes", "Domain", protobuf,
            ]
        ),
        .testTarget(
            name: "ClientCoreTests", dependencies: ["ClientCore", "Preferences", "Wire", "Bytes", "Domain", protobuf]
        ),
        .testTarget(
            name: "ClientSystemTests",
            dependencies: [
                "ClientSystem", "ClientCore", "Preferences", "Releases", "WorkerHost", "Confinement", "TestChild",
                "Wire",
                "Bytes", "Domain", "CPosix", protobuf,
            ]
        ),
        .testTarget(
            name: "ConsoleTests",
            dependencies: ["Console", "Manifest", "Transparency", "Releases", "Wire", "Bytes", "Domain", protobuf]
        ),
        .testTarget(name: "ConformanceTests", dependencies: ["Apps", "Plugins", "Domain", "Bytes"]),
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "ServerCore", "ClientCore", "Engine", "Storage", "Manifest", "Wire", "Bytes", "Domain", protobuf,
            ],
            exclude: ["Corpus", "README.md"]
        ),
        .testTarget(name: "SimulationTests", dependencies: ["Simulation", "StorageSQLite"]),
        .testTarget(name: "ArchitectureTests"),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["PostgresServer", "TestChild", "WorkerHost", "Wire", "Bytes", "Domain", "CPosix", protobuf]
        ),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system {
    var settings = target.swiftSettings ?? []
    settings.append(.enableUpcomingFeature("ExistentialAny"))
    settings.append(.enableUpcomingFeature("MemberImportVisibility"))
    target.swiftSettings = settings
    // Documents beside the sources are no resources.
    if target.path == nil && target.exclude.isEmpty { target.exclude = ["README.md"] }
}

// For work on a few modules: MILLRACE_ONLY=Domain,Engine,EngineTests swift test --scratch-path .build-engine
if let only = Context.environment["MILLRACE_ONLY"] {
    let names = Set(only.split(separator: ",").map(String.init))
    package.targets.removeAll { !names.contains($0.name) }
    package.products.removeAll { product in !names.contains(product.name) }
}
