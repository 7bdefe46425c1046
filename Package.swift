// swift-tools-version: 6.2
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

// What these functions read belongs to the main actor, as all of a manifest's top level may.

@MainActor
func library(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

@MainActor
func executable(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies + [argumentParser], swiftSettings: swiftSettings)
}

/// What lies beside a benchmark's sources.
let extras = [
    "bench-projection": ["compare.py", "export-clouds"], "bench-scan": ["memory"],
    "bench-dictionary": ["check-with-saelens.py"],
]

@MainActor
func benchmark(_ name: String, path: String, _ dependencies: Target.Dependency...) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies + [argumentParser], path: path,
        exclude: extras[name] ?? [], swiftSettings: swiftSettings)
}

@MainActor
func tests(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], swiftSettings: swiftSettings)
}

let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let heapModule = Target.Dependency.product(name: "HeapModule", package: "swift-collections")

/// What only make fuzz builds, as it needs the sanitizers' main program.
let fuzzing: [Target] =
    Context.environment["HEADVIS_FUZZING"] == nil
    ? []
    : [
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "Checkpoints", "Corpora", "DataTree", "FeatureDictionaries", "JSON", "Stages",
                "Tokenizers", "Transformer", "TestSupport",
            ], path: "Tests/fuzz", exclude: ["run"], swiftSettings: swiftSettings)
    ]

let package = Package(
    name: "headvis",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    ],
    // From the ground up: a target imports only what stands above it in this list.
    targets: [
        // C libraries, as module maps only.
        cLibrary("CHDF5", pkgConfig: "hdf5", apt: "libhdf5-dev"),
        cLibrary("COpenBLAS", pkgConfig: "openblas", apt: "libopenblas-dev"),
        cLibrary("CCrypto", pkgConfig: "libcrypto", apt: "libssl-dev"),
        cLibrary("CPCRE2", pkgConfig: "libpcre2-8", apt: "libpcre2-dev"),
        cLibrary("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "COneDNN"),
        cLibrary("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),

        // What every module may say to the user.
        library("UserErrors"),

        // The one reader, editor and writer of JSON.
        library("JSON", "UserErrors"),

        // Places of open files.
        library("OpenFiles"),

        // Their Swift faces.
        library("Digests", "CCrypto", "UserErrors"),
        library("Tensors", "COneDNN", "COpenBLAS", "UserErrors"),
        library("HDF5", "CHDF5"),

        // What comes in.
        library("Checkpoints", "JSON", "Tensors", "UserErrors"),
        library("Corpora", "CZlib", "CZstd", "JSON", "UserErrors"),
        library("Tokenizers", "CPCRE2", "JSON", "UserErrors"),

        // The forward pass.
        library("Transformer", "JSON", "Tensors", "Checkpoints", "UserErrors"),

        // What a head does, without input or output.
        library("AttentionStats", "Tensors", "Transformer", heapModule),
        library("HeadMetrics", "AttentionStats"),
        library("Sampling", "AttentionStats", "Tensors", heapModule),
        library("Projection", "Tensors", "UserErrors"),
        library(
            "FeatureDictionaries", "JSON", "Tensors", "Checkpoints", "Corpora", "Transformer",
            "Sampling", "UserErrors", heapModule),
        library("WeightCircuits", "Tensors", "Transformer"),
        library("HeadMaps", "AttentionStats", "Tensors"),
        library("Attribution", "FeatureDictionaries", "Tensors", "Transformer", "UserErrors"),

        // What is on disk.
        library(
            "WorkFiles", "Digests", "HDF5", "AttentionStats", "OpenFiles", "Sampling",
            "Transformer", "UserErrors", "WeightCircuits"),
        library(
            "DataTree", "AttentionStats", "CLinux", "Digests", "HDF5", "JSON", "OpenFiles",
            "Sampling", "Transformer", "WorkFiles"),

        // What the executables share.
        library(
            "Stages", "Digests", "Transformer", "Tokenizers", "UserErrors", "WorkFiles",
            argumentParser),
        library(
            "Sequences", "Digests", "Stages", "Corpora", "Tokenizers", "AttentionStats",
            "WorkFiles", "UserErrors",
            argumentParser
        ),

        // Answers about edges.
        library(
            "Explanations", "Attribution", "DataTree", "Digests", "FeatureDictionaries", "JSON",
            "Stages", "WorkFiles", "UserErrors", argumentParser),

        // Questions about heads.
        library(
            "Lab", "Attribution", "DataTree", "Digests", "FeatureDictionaries", "JSON", "OpenFiles",
            "Stages", "Tensors", "Tokenizers", "Transformer", "UserErrors", "WeightCircuits"),

        // The stages.
        executable(
            "stage-scan", "Digests", "HDF5", "Stages", "Sequences", "Sampling", "Tensors",
            "UserErrors"),
        executable("stage-metrics", "Stages", "HeadMetrics", "AttentionStats"),
        executable("stage-sample", "Stages", "Sampling", "UserErrors"),
        executable("stage-project", "Stages", "Projection", "Tensors", "UserErrors"),
        executable(
            "stage-weights", "Digests", "Stages", "Tensors", "Transformer", "UserErrors",
            "WeightCircuits", "WorkFiles"),
        executable(
            "stage-writes", "Stages", "Transformer", "UserErrors", "WeightCircuits", "WorkFiles"),
        executable(
            "stage-probe", "AttentionStats", "Digests", "Stages", "Tensors",
            "Transformer", "UserErrors", "WorkFiles"),
        executable(
            "stage-map", "HeadMaps", "Stages", "Transformer", "UserErrors", "WorkFiles"),
        executable(
            "stage-lab", "Digests", "Explanations", "FeatureDictionaries", "JSON", "Lab", "Stages",
            "Tensors", "Transformer", "UserErrors", "WorkFiles"),
        executable(
            "stage-emit", "Stages", "DataTree", "JSON", "Sampling", "Tensors", "UserErrors"),
        executable(
            "stage-dictionary", "AttentionStats", "Attribution", "DataTree", "Digests",
            "Explanations",
            "FeatureDictionaries",
            "Sequences", "Stages", "Tensors", "WorkFiles", "UserErrors"),

        // The live backend.
        library(
            "Server", "AttentionStats", "Attribution", "CZlib", "DataTree", "Digests",
            "Explanations",
            "FeatureDictionaries", "JSON", "Lab", "OpenFiles", "Projection", "Stages", "WorkFiles",
            "UserErrors", hummingbird,
            .product(name: "NIOHTTP1", package: "swift-nio"),
            .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
            .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
            .product(name: "NIOPosix", package: "swift-nio"),
            .product(name: "Logging", package: "swift-log")),
        executable("serve", "Explanations", "Server", "Stages", "UserErrors", hummingbird),

        // Tests.
        .target(name: "TestSupport", path: "Tests/TestSupport"),
        tests("PackageTests"),
        tests("JSONTests", "JSON", "UserErrors"),
        tests("TensorsTests", "Tensors"),
        tests("DigestsTests", "Digests"),
        tests("HDF5Tests", "HDF5"),
        tests("TransformerTests", "Transformer", "HDF5", "Tensors"),
        tests("AttentionStatsTests", "AttentionStats"),
        tests("CorporaTests", "Corpora", "CZlib", "CZstd"),
        tests("TokenizersTests", "Tokenizers"),
        tests("ProjectionTests", "Projection", "Tensors"),
        tests("CheckpointsTests", "Checkpoints"),
        tests("HeadMetricsTests", "HeadMetrics", "AttentionStats"),
        tests("SamplingTests", "Sampling"),
        tests("DataTreeTests", "DataTree", "JSON", "Transformer"),
        tests(
            "FeatureDictionariesTests", "FeatureDictionaries", "Checkpoints", "HDF5", "Sampling",
            "Tensors", "Transformer"),
        tests("WeightCircuitsTests", "WeightCircuits", "Transformer", "Tensors"),
        tests("HeadMapsTests", "HeadMaps", "AttentionStats"),
        tests("AttributionTests", "Attribution", "HDF5"),
        tests("LabTests", "Lab", "HDF5"),
        tests("WorkFilesTests", "WorkFiles", "HDF5", "AttentionStats"),
        tests(
            "PipelineTests", "CHDF5", "HDF5", "Stages", "Tensors", "WorkFiles", "stage-scan",
            "stage-metrics", "stage-sample",
            "stage-project",
            "stage-weights", "stage-writes", "stage-map", "stage-probe", "stage-lab", "stage-emit",
            "stage-dictionary"),
        tests(
            "ServerTests", "Server", "stage-dictionary", "CZlib", hummingbird,
            .product(name: "NIOEmbedded", package: "swift-nio")),

        // Benchmarks.
        benchmark("bench-json", path: "bench/json", "Corpora", "Tokenizers"),
        benchmark("bench-widen", path: "bench/widen", "Checkpoints"),
        benchmark("bench-scan", path: "bench/scan", "Transformer", "AttentionStats", "Tensors"),
        benchmark("bench-memory", path: "bench/memory", "Checkpoints", "Transformer"),
        benchmark("bench-projection", path: "bench/projection", "Projection", "Tensors"),
        benchmark("bench-lab", path: "bench/lab", "Lab", "Stages", "Tensors"),
        benchmark("bench-dictionary", path: "bench/dictionary", "FeatureDictionaries", "Tensors"),
    ] + fuzzing
)
