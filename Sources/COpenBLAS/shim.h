// SPDX-License-Identifier: Apache-2.0
// CBLAS comes with OpenBLAS's header; of LAPACK (Fortran, column-major) only what we call is declared.
#pragma once
#include <cblas.h>

// Eigenvalues and eigenvectors of a symmetric matrix by divide and conquer.
extern void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda,
                    double *w, double *work, const int *lwork, int *iwork, const int *liwork,
                    int *info);

// Eigenvalues, and eigenvectors if wanted, of a general real matrix.
extern void dgeev_(const char *jobvl, const char *jobvr, const int *n, double *a, const int *lda,
                   double *wr, double *wi, double *vl, const int *ldvl, double *vr,
                   const int *ldvr, double *work, const int *lwork, int *info);
