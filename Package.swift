// swift-tools-version: 6.0
import PackageDescription

// The hot loops are written with SIMD types; without the host's vector extensions they fall back to
// one library call per multiply-add. HEADVIS_MARCH names another target than the building machine.
#if arch(x86_64)
    let march = ["-Xcc", "-march=\(Context.environment["HEADVIS_MARCH"] ?? "native")"]
#else
    let march: [String] = []
#endif
let swiftSettings: [SwiftSetting] = [.unsafeFlags(march)]

func cLibrary(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

func library(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func executable(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .executableTarget(
        name: name,
        dependencies: dependencies + [
            .product(name: "ArgumentParser", package: "swift-argument-parser")
        ],
        swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], swiftSettings: swiftSettings)
}

let package = Package(
    name: "headvis",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    ],
    // From the ground up: a target imports only what stands above it in this list.
    targets: [
        // C libraries, as module maps only.
        cLibrary("CHDF5", pkgConfig: "hdf5", apt: "libhdf5-dev"),
        cLibrary("COpenBLAS", pkgConfig: "openblas", apt: "libopenblas-dev"),
        cLibrary("CPCRE2", pkgConfig: "libpcre2-8", apt: "libpcre2-dev"),
        cLibrary("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
        cLibrary("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),

        // Their Swift faces.
        library("Tensors", "COpenBLAS"),

        // What comes in.
        library("Checkpoints", "Tensors"),

        // Benchmarks.
        .executableTarget(
            name: "bench-widen", dependencies: ["Checkpoints"], path: "bench/widen",
            swiftSettings: swiftSettings),

        // Tests.
        .target(name: "TestSupport", path: "Tests/TestSupport"),
        tests("TensorsTests", "Tensors"),
        tests("CheckpointsTests", "Checkpoints"),
    ]
)
