// SPDX-License-Identifier: Apache-2.0
// Matrix products on OpenBLAS, single-threaded: the program's own workers keep the cores busy.

import COpenBLAS
import Foundation

/// The one gate to OpenBLAS.
public enum BLAS {
    /// Readies OpenBLAS once for the whole process: the kernels that suit this processor, one thread.
    ///
    /// OpenBLAS picks its kernels by the processor's model number when it is loaded. A processor newer
    /// than the library falls back to kernels of 2004 (`Prescott`), five times slower than what it can
    /// do, and AMD's processors with AVX-512 get those for AVX2, at half their speed. In these cases we
    /// choose by the instructions the processor really has, by way of the library's own override,
    /// `OPENBLAS_CORETYPE`, and its own (re)initialisation. A value of that variable that the user set is
    /// respected.
    ///
    /// Call it before the first product; further calls cost nothing.
    public static func prepare() { _ = prepared }

    /// The name of the kernel set in use, such as `SkylakeX`.
    public static var kernels: String {
        prepare()
        return String(cString: openblas_get_corename())
    }

    /// Whether a row of a product is the same to the bit wherever it stands among the rows. OpenBLAS' kernels
    /// for AVX2 sum every other six rows in another order: with them the last bits of a mixture of experts, and of
    /// a dictionary's codes, depend on what runs beside a sequence.
    public static var sumsRowsAlike: Bool { !["Haswell", "Zen"].contains(kernels) }

    private static let prepared: Void = {
        if getenv("OPENBLAS_CORETYPE") == nil, let better = betterKernels() {
            reinitialize(as: better)
        }
        openblas_set_num_threads(1)
    }()

    /// The kernel set to use instead of the detected one, if that leaves instructions of the processor unused.
    private static func betterKernels() -> String? {
        let detected = String(cString: openblas_get_corename())
        guard ["Prescott", "Core2", "Haswell", "Zen"].contains(detected) else { return nil }
        guard let cpuInfo = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
            let line = cpuInfo.split(separator: "\n").first(where: { $0.hasPrefix("flags") })
        else { return nil }
        let flags = Set(line.split(separator: " "))
        if flags.isSuperset(of: ["avx512f", "avx512bw", "avx512vl", "avx512dq", "fma"]) {
            return "SkylakeX"
        }
        let isFallback = detected == "Prescott" || detected == "Core2"
        return isFallback && flags.isSuperset(of: ["avx2", "fma"]) ? "Haswell" : nil
    }

    private static func reinitialize(as kernels: String) {
        typealias Function = @convention(c) () -> Void
        guard let program = dlopen(nil, RTLD_NOW),
            let quit = dlsym(program, "gotoblas_dynamic_quit"),
            let start = dlsym(program, "gotoblas_dynamic_init")
        else { return }
        setenv("OPENBLAS_CORETYPE", kernels, 1)
        unsafeBitCast(quit, to: Function.self)()
        unsafeBitCast(start, to: Function.self)()
    }
}

/// How a matrix lies in memory relative to how a product reads it.
public enum MatrixOrientation: Sendable {
    case asStored
    case transposed

    fileprivate var cblas: CBLAS_TRANSPOSE { self == .asStored ? CblasNoTrans : CblasTrans }
}

/// `C = alpha * op(A) op(B) + beta * C` in Float32, row-major.
///
/// - Parameters:
///   - m: rows of op(A) and of C.
///   - n: columns of op(B) and of C.
///   - k: columns of op(A), rows of op(B).
///   - a: op(A) is [m, k]; `lda` is the distance between the stored rows of A, in elements.
///   - b: op(B) is [k, n]; `ldb` likewise.
///   - c: [m, n]; `ldc` likewise.
public func multiply(
    _ m: Int, _ n: Int, _ k: Int,
    _ a: UnsafePointer<Float>, _ lda: Int, _ orientationA: MatrixOrientation = .asStored,
    _ b: UnsafePointer<Float>, _ ldb: Int, _ orientationB: MatrixOrientation = .asStored,
    into c: UnsafeMutablePointer<Float>, _ ldc: Int, alpha: Float = 1, beta: Float = 0
) {
    guard m > 0, n > 0 else { return }
    cblas_sgemm(
        CblasRowMajor, orientationA.cblas, orientationB.cblas, blasint(m), blasint(n), blasint(k),
        alpha, a, blasint(lda), b, blasint(ldb), beta, c, blasint(ldc))
}

/// `C = alpha * op(A) op(B) + beta * C` in Float64, row-major; parameters as in the Float32 version.
public func multiply(
    _ m: Int, _ n: Int, _ k: Int,
    _ a: UnsafePointer<Double>, _ lda: Int, _ orientationA: MatrixOrientation = .asStored,
    _ b: UnsafePointer<Double>, _ ldb: Int, _ orientationB: MatrixOrientation = .asStored,
    into c: UnsafeMutablePointer<Double>, _ ldc: Int, alpha: Double = 1, beta: Double = 0
) {
    guard m > 0, n > 0 else { return }
    cblas_dgemm(
        CblasRowMajor, orientationA.cblas, orientationB.cblas, blasint(m), blasint(n), blasint(k),
        alpha, a, blasint(lda), b, blasint(ldb), beta, c, blasint(ldc))
}
