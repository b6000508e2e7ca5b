// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target: language mode 6 (strict concurrency) and the upcoming features.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Targets that decide or crunch (no I/O of their own) are built optimised in debug builds
/// too: the simulations and property tests run millions of steps through them.
let optimised: [SwiftSetting] = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

func product(_ name: String, _ package: String) -> Target.Dependency {
    .product(name: name, package: package)
}

let grdb = product("GRDB", "GRDB.swift")
let grdbSQLite = product("GRDBSQLite", "GRDB.swift")
let protobuf = product("SwiftProtobuf", "swift-protobuf")
let log = product("Logging", "swift-log")
let nio = product("NIOCore", "swift-nio")
let nioPosix = product("NIOPosix", "swift-nio")
let httpTypes = product("HTTPTypes", "swift-http-types")
let nioFoundation = product("NIOFoundationCompat", "swift-nio")
let nioHTTP1 = product("NIOHTTP1", "swift-nio")
let nioHTTP2 = product("NIOHTTP2", "swift-nio-http2")
let nioSSL = product("NIOSSL", "swift-nio-ssl")
let argumentParser = product("ArgumentParser", "swift-argument-parser")
let hummingbird = product("Hummingbird", "hummingbird")
let hummingbirdCore = product("HummingbirdCore", "hummingbird")
let hummingbirdHTTP2 = product("HummingbirdHTTP2", "hummingbird")
let lifecycle = product("ServiceLifecycle", "swift-service-lifecycle")
let mustache = product("Mustache", "swift-mustache")
let tomlKit = product("TOMLKit", "TOMLKit")
let unixSignals = product("UnixSignals", "swift-service-lifecycle")
let subprocess = product("Subprocess", "swift-subprocess")
let system = product("SystemPackage", "swift-system")
let asyncHTTPClient = product("AsyncHTTPClient", "async-http-client")

let package = Package(
    name: "waggle",
    products: [
        .executable(name: "waggle", targets: ["waggle"]),
        .executable(name: "negentropy-harness", targets: ["negentropy-harness"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-system.git", from: "1.8.0"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache.git", from: "2.1.0"),
        .package(url: "https://github.com/LebJe/TOMLKit.git", from: "0.6.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", from: "1.0.0", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
    ],
    targets: [
        // C libraries of the system, and the one small C target.
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "CWaggleSystem", dependencies: ["COpenSSL"],
            cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))],
            linkerSettings: [.linkedLibrary("sqlite3")]),

        // Rows as in ARCHITECTURE.md: a module imports only from rows below its own.
        .target(name: "Digests", dependencies: ["COpenSSL", "CWaggleSystem"], swiftSettings: optimised),
        .target(name: "WaggleProtocol", dependencies: [protobuf], swiftSettings: optimised),
        .target(
            name: "Identity", dependencies: ["CSodium", "Digests", "WaggleProtocol", protobuf], swiftSettings: optimised
        ),
        .target(name: "Statements", dependencies: ["Digests", grdb, grdbSQLite], swiftSettings: optimised),
        .target(
            name: "PostLog", dependencies: ["Digests", "WaggleProtocol", "Identity", grdb, protobuf],
            swiftSettings: optimised),
        .target(
            name: "Backup", dependencies: ["Digests", "WaggleProtocol", "Identity", grdb, system],
            swiftSettings: optimised),
        .target(name: "Formats", dependencies: ["Digests", "WaggleProtocol"], swiftSettings: optimised),
        .target(name: "Sandbox", dependencies: ["WaggleProtocol", subprocess, system], swiftSettings: strict),
        .target(
            name: "Media", dependencies: ["Digests", "WaggleProtocol", "Formats", "Sandbox", grdb, system],
            swiftSettings: optimised),
        .target(
            name: "BlobStore",
            dependencies: [
                "Digests", "CWaggleSystem", "WaggleProtocol", "Formats", "Statements", grdb, nio, nioPosix, system,
            ],
            swiftSettings: strict),
        .target(
            name: "Ledger",
            dependencies: ["Digests", "WaggleProtocol", "Identity", "Statements", grdb, grdbSQLite, protobuf],
            swiftSettings: optimised),
        .target(
            name: "Moderation", dependencies: ["Digests", "WaggleProtocol", "Formats", grdb], swiftSettings: strict),
        .target(
            name: "Accounts", dependencies: ["Digests", "WaggleProtocol", "Identity", grdb, nioPosix],
            swiftSettings: strict),
        .target(name: "Administration", dependencies: ["Digests", "WaggleProtocol", grdb], swiftSettings: strict),
        .target(
            name: "Catalog",
            dependencies: [
                "Digests", "WaggleProtocol", "Identity", "PostLog", "Moderation", "Statements", grdb, grdbSQLite,
                protobuf,
            ],
            swiftSettings: strict),
        .target(
            name: "Federation",
            dependencies: [
                "Digests", "WaggleProtocol", "Identity", "Formats", "PostLog", "BlobStore", "Moderation", "Ledger",
                "Catalog", grdb,
                protobuf,
                nio, nioPosix, nioFoundation, nioHTTP1, log, asyncHTTPClient,
            ], swiftSettings: optimised),
        .target(
            name: "Economy", dependencies: ["Digests", "WaggleProtocol", "Ledger", grdb, protobuf],
            swiftSettings: optimised),
        .target(
            name: "Generation",
            dependencies: ["Digests", "WaggleProtocol", "Identity", "Formats", "Sandbox", grdb, system],
            swiftSettings: optimised),
        .target(
            name: "Operations",
            dependencies: [
                "CZstd", "Digests", "WaggleProtocol", "Identity", "Backup", "Formats", "Sandbox", "Media", "PostLog",
                "BlobStore", "Moderation", "Accounts", "Administration", "Ledger", "Catalog", "Economy", "Federation",
                "Generation", protobuf, nio, nioPosix, system,
            ], swiftSettings: strict),
        .target(
            name: "Gateway",
            dependencies: [
                "CZlib", "CZstd", "Digests", "WaggleProtocol", "Identity", "Formats", "Media", "PostLog", "BlobStore",
                "Moderation", "Accounts", "Administration", "Ledger", "Catalog",
                "Economy", "Federation", "Generation", "Operations", protobuf, log, nio, nioPosix, nioHTTP1, nioHTTP2,
                httpTypes, hummingbird,
                hummingbirdCore, hummingbirdHTTP2, nioSSL, mustache, lifecycle, system,
            ], swiftSettings: strict),
        .target(
            name: "Node",
            dependencies: [
                "CWaggleSystem", "Digests", "WaggleProtocol", "Identity", "Formats", "Media", "PostLog", "BlobStore",
                "Moderation", "Accounts", "Administration", "Ledger", "Catalog",
                "Economy", "Federation", "Generation", "Sandbox", "Backup", "Operations", "Gateway", log, nio, nioPosix,
                nioHTTP1,
                asyncHTTPClient, lifecycle, unixSignals,
                nioSSL, tomlKit, system,
            ], swiftSettings: strict),
        .executableTarget(
            name: "waggle",
            dependencies: [
                "Formats", "Identity", "Accounts", "Administration", "Moderation", "Node", "Generation", "Operations",
                argumentParser,
                log,
                system,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "waggle-demo", dependencies: ["CZstd", "Digests", "Formats", argumentParser, unixSignals],
            path: "Examples/demo", swiftSettings: strict),
        // Feeds traces of the ledger's reference model to our authority.
        .executableTarget(
            name: "ledger-replay", dependencies: ["Digests", "WaggleProtocol", "Identity", "Ledger", protobuf],
            path: "Tests/Conformance/ledger-replay", swiftSettings: optimised),
        // Speaks the line protocol of the reference implementation's tests.
        .executableTarget(
            name: "negentropy-harness", dependencies: ["Digests", "PostLog", "Federation"],
            path: "Tests/Conformance/negentropy-harness", swiftSettings: optimised),
        .executableTarget(
            name: "waggle-bench",
            dependencies: [
                "CWaggleSystem", "Digests", "WaggleProtocol", "Identity", "Formats", "Media", "PostLog", "BlobStore",
                "Moderation", "Ledger", "Catalog", "Federation",
                protobuf, argumentParser, system, nio, nioHTTP1, asyncHTTPClient, hummingbird, httpTypes, log,
            ], path: "Benchmarks/waggle-bench", swiftSettings: strict),

        .testTarget(
            name: "DigestsTests", dependencies: ["Digests", "CWaggleSystem"], exclude: ["Vectors"],
            swiftSettings: strict),
        .testTarget(
            name: "IdentityTests", dependencies: ["Digests", "WaggleProtocol", "Identity", "CSodium", protobuf],
            swiftSettings: strict),
        .testTarget(
            name: "BackupTests",
            dependencies: ["Digests", "WaggleProtocol", "Identity", "Backup", grdb, system], swiftSettings: strict),
        .testTarget(
            name: "FormatsTests", dependencies: ["Digests", "WaggleProtocol", "Formats"], swiftSettings: strict),
        .testTarget(name: "SandboxTests", dependencies: ["Sandbox", system], swiftSettings: strict),
        .testTarget(
            name: "MediaTests", dependencies: ["Digests", "Formats", "Media", "Sandbox", grdb, system],
            swiftSettings: strict),
        .testTarget(
            name: "PostLogTests", dependencies: ["Digests", "WaggleProtocol", "Identity", "PostLog", grdb, protobuf],
            swiftSettings: strict),
        .testTarget(
            name: "BlobStoreTests",
            dependencies: [
                "Digests", "CWaggleSystem", "WaggleProtocol", "Formats", "BlobStore", grdb, nio, nioPosix, system,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ModerationTests",
            dependencies: ["Digests", "WaggleProtocol", "Formats", "Moderation", grdb, protobuf],
            swiftSettings: strict),
        .testTarget(
            name: "AccountsTests", dependencies: ["Digests", "WaggleProtocol", "Identity", "Accounts", grdb],
            swiftSettings: strict),
        .testTarget(
            name: "AdministrationTests", dependencies: ["Digests", "WaggleProtocol", "Administration", grdb],
            swiftSettings: strict),
        .testTarget(
            name: "LedgerTests",
            dependencies: [
                "CZstd", "Digests", "WaggleProtocol", "Identity", "Ledger", "ledger-replay", grdb, protobuf,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "EconomyTests",
            dependencies: ["Digests", "WaggleProtocol", "Identity", "Ledger", "Economy", protobuf],
            swiftSettings: strict
        ),
        .testTarget(
            name: "CatalogTests",
            dependencies: [
                "Digests", "WaggleProtocol", "Identity", "PostLog", "Moderation", "Statements", "Catalog", grdb,
                protobuf,
            ], swiftSettings: strict),
        .testTarget(
            name: "FederationTests",
            dependencies: [
                "Digests", "WaggleProtocol", "Identity", "PostLog", "BlobStore", "Moderation", "Catalog", "Federation",
                "negentropy-harness", nio, protobuf,
            ], swiftSettings: strict),
        .testTarget(
            name: "GenerationTests",
            dependencies: ["Digests", "WaggleProtocol", "Identity", "Formats", "Generation", system],
            swiftSettings: strict),
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "Digests", "WaggleProtocol", "Identity", "Formats", "PostLog", "BlobStore", "Ledger", "Economy",
                "Federation", "Gateway",
                protobuf,
            ],
            exclude: ["Corpus"], swiftSettings: optimised),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "Digests", "WaggleProtocol", "Identity", "PostLog", "Moderation", "Federation", "Node", grdb, protobuf,
            ],
            swiftSettings: optimised),
        .testTarget(
            name: "OperationsTests",
            dependencies: [
                "Digests", "WaggleProtocol", "Identity", "Federation", "BlobStore", "Operations", protobuf, nio, system,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                "Digests", "WaggleProtocol", "Identity", "Formats", "PostLog", "BlobStore", "Moderation", "Accounts",
                "Administration",
                "Ledger", "Catalog", "Economy", "Federation", "Generation", "Operations", "Gateway", grdb, protobuf,
                nio,
                log, httpTypes,
                hummingbird,
                product("HummingbirdTesting", "hummingbird"), asyncHTTPClient, lifecycle, nioHTTP1, nioHTTP2,
                product("NIOEmbedded", "swift-nio"), system,
            ], exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "NodeTests", dependencies: ["Digests", "Operations", "Node", log, system], swiftSettings: strict),
        // Reads the sources, and starts the program itself.
        .testTarget(name: "HouseTests", swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "waggle", "Digests", "WaggleProtocol", "Identity", "Formats", "Ledger", protobuf, nio, nioFoundation,
                nioHTTP1,
                nioSSL, asyncHTTPClient,
            ],
            swiftSettings: strict),
    ]
)
