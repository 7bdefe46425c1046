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

func executable(
    _ name: String, path: String? = nil, _ dependencies: Target.Dependency...
) -> Target {
    .executableTarget(
        name: name,
        dependencies: dependencies + [
            .product(name: "ArgumentParser", package: "swift-argument-parser")
        ],
        swiftSettings: swiftSettings)
        dependencies: dependencies + [.product(name: "ArgumentParser", package: "swift-argument-parser")],
        path: path, exclude: path == nil ? [] : ["compare.py"], swiftSettings: swiftSettings)
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
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
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
        library("HDF5", "CHDF5"),

        // What comes in.
        library("Checkpoints", "Tensors"),

        // The forward pass.
        library("Transformer", "Tensors", "Checkpoints"),

        // What a head does, without input or output.
        library(
            "AttentionStats", "Tensors", "Transformer",
            .product(name: "HeapModule", package: "swift-collections")),

        // What comes in.
        library("Corpora", "CZlib", "CZstd"),
        library("Tokenizers", "CPCRE2"),

        // What a head does.
        library("Projection", "Tensors"),
        // Benchmarks.
        .executableTarget(
            name: "bench-widen", dependencies: ["Checkpoints"], path: "bench/widen",
            swiftSettings: swiftSettings),

        // Tests.
        .target(name: "TestSupport", path: "Tests/TestSupport"),
        tests("TensorsTests", "Tensors"),
        tests("HDF5Tests", "HDF5"),
        tests("TransformerTests", "Transformer", "HDF5"),
        tests("AttentionStatsTests", "AttentionStats"),
        tests("CorporaTests", "Corpora", "CZlib", "CZstd"),
        tests("TokenizersTests", "Tokenizers"),
        tests("ProjectionTests", "Projection", "Tensors"),

        // Benchmarks.
        executable("bench-projection", path: "bench/projection", "Projection", "Tensors"),
    ]
)
